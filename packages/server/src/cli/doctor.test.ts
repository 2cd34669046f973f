import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startTestServer, type TestServer } from '../testing/server.ts'
import { upload } from '../testing/upload.ts'
import { reportCors } from './doctor-report.ts'

const main = fileURLToPath(new URL('./main.ts', import.meta.url))

describe('heliograph doctor', () => {
  let server: TestServer

  before(async () => {
    server = await startTestServer()
    await upload(await server.register('anna'))
    await server.settleJobs()
  })
  after(() => server.close())

  async function doctor(args: string[], environment = {}): Promise<{ code: number; output: string; errors: string }> {
    const child = spawn(process.execPath, [main, 'doctor', ...args], {
      env: {
        PATH: process.env.PATH,
        DATA_DIR: server.dataDir,
        DATABASE_URL: server.databaseUrl,
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
    return { code, output, errors }
  }

  it('says that nothing is wrong, beside the server that runs', async () => {
    const { code, output } = await doctor([])
    assert.equal(code, 0)
    assert.match(output, /^Compared 1 asset with 2 objects in the store\.\n/)
    assert.match(output, /Nothing is wrong\.\n$/)
  })

  it('says what is wrong and what to do, and ends with 1 until it is repaired', async () => {
    const objects = join(server.dataDir, 'files', 'objects', 'originals')
    const [file] = (await readdir(objects, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
    await unlink(join(file?.parentPath ?? '', file?.name ?? ''))

    const found = await doctor([])
    assert.equal(found.code, 1)
    assert.match(found.output, /1 file of the library is missing from the store\.\n {2}- "photo\.jpg" of anna \(asset /)
    assert.match(found.output, /`heliograph doctor --repair`/)

    const machine = await doctor(['--json'])
    assert.equal(machine.code, 1)
    const { ok, findings } = JSON.parse(machine.output)
    assert.deepEqual([ok, findings[0].kind, findings[0].count], [false, 'asset-missing', 1])

    const repaired = await doctor(['--repair'])
    assert.equal(repaired.code, 0)
    assert.match(repaired.output, /Marked as failed\./)

    const again = await doctor([])
    assert.equal(again.code, 0)
    assert.match(again.output, /1 file marked as lost earlier waits to be uploaded again\./)
  })

  it('makes nothing in a folder that holds no Heliograph', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'heliograph-test-'))
    try {
      const { code, errors } = await doctor([], { DATABASE_URL: '', DATA_DIR: folder })
      assert.equal(code, 1)
      assert.match(errors, /There is no Heliograph in .*DATA_DIR/)
      assert.deepEqual(await readdir(folder), [])
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('says that files need no CORS rules, and prints the rules that a bucket lacks', async () => {
    const files = await doctor(['--cors'])
    assert.equal(files.code, 0)
    assert.match(files.output, /no CORS rules are needed/)
    const wanted = [{ AllowedOrigins: ['https://photos.example'], AllowedMethods: ['PUT'] }]
    const report = reportCors({ ok: false, missing: ['https://photos.example may not PUT.'], found: [], wanted })
    assert.match(report, / {2}- https:\/\/photos\.example may not PUT\./)
    assert.deepEqual(JSON.parse(report.slice(report.indexOf('{'))), { CORSRules: wanted })
  })
})
