import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { jpeg } from '../testing/photos.ts'
import { startTestServer, type TestAccount, type TestServer } from '../testing/server.ts'
import { upload } from '../testing/upload.ts'

const main = fileURLToPath(new URL('./main.ts', import.meta.url))

describe('heliograph renditions', () => {
  let server: TestServer
  let anna: TestAccount

  before(async () => {
    server = await startTestServer()
    anna = await server.register('anna')
    for (let number = 0; number < 3; number += 1) await upload(anna, jpeg(1_000 + number))
    await server.settleJobs()
  })
  after(() => server.close())

  async function renditions(args: string[], environment = {}) {
    const child = spawn(process.execPath, [main, 'renditions', ...args], {
      env: { PATH: process.env.PATH, DATA_DIR: server.dataDir, DATABASE_URL: server.databaseUrl, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
    return { code, output, errors }
  }

  it('finds nothing missing in a library that was processed', async () => {
    assert.deepEqual(await renditions(['--missing']), { code: 0, output: 'Nothing is missing.\n', errors: '' })
    assert.equal((await renditions(['--rebuild', '--dry-run'])).output, '3 files would be processed.\n')
    assert.equal(
      (await renditions(['--rebuild', '--dry-run', '--kind', 'video'])).output,
      '0 files would be processed.\n',
    )
    assert.equal((await renditions([])).code, 2)
  })

  it('makes what an older recipe made anew, and what failed for want of a decoder', async () => {
    await server.engines.pool.query(`update asset set recipe = 0 where id = (select min(id::text)::uuid from asset)`)
    await server.engines.pool.query(
      `update asset set state = 'failed', failure = 'decoder-missing' where id = (select max(id::text)::uuid from asset)`,
    )
    const { code, output } = await renditions(['--missing'])
    assert.deepEqual([code, output], [0, 'Done: 2 files.\n'])
    const { body } = await anna.call('GET', '/v1/assets')
    assert.deepEqual(
      body.items.map((asset: { state: string }) => asset.state),
      ['ready', 'ready', 'ready'],
    )
  })

  it('names what could not be made, and why', async () => {
    const damaged = await upload(anna, Buffer.concat([Buffer.from('ffd8ffe000104a464946', 'hex'), Buffer.alloc(900)]))
    await server.settleJobs()
    const { code, output } = await renditions(['--rebuild', '--kind', 'image'])
    assert.equal(code, 1)
    assert.match(
      output,
      new RegExp(`^ {2}- photo\\.jpg \\(asset ${damaged.id}\\): undecodable\\nDone: 4 files, of which`),
    )
  })

  it('leaves its work in the queue when it is interrupted', async () => {
    const idle = await startTestServer({ ROLES: 'api,edge' })
    try {
      const account = await idle.register('bob')
      await upload(account, jpeg(700))
      const child = spawn(process.execPath, [main, 'renditions', '--rebuild'], {
        env: { PATH: process.env.PATH, DATA_DIR: idle.dataDir, DATABASE_URL: idle.databaseUrl },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const errors = text(child.stderr)
      const queued = async () =>
        (await idle.engines.pool.query(`select from graphile_worker.jobs where key like 'renditions:%'`)).rowCount
      while ((await queued()) === 0) await new Promise((resolve) => setTimeout(resolve, 20))
      child.kill('SIGINT')
      const [code] = await once(child, 'exit')
      assert.equal(code, 130)
      assert.match(await errors, /Interrupted\. 1 file stays in the queue, and a running server goes on/)
      assert.equal(await queued(), 1)
    } finally {
      await idle.close()
    }
  })
})
