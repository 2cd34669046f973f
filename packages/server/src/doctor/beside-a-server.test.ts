/** The doctor beside a server that works: whatever it looks at changes under its eyes, and it must call none of it wrong. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { jpeg } from '../testing/photos.ts'
import { startTestServer, type TestAccount, type TestServer } from '../testing/server.ts'
import { complete, plan, putParts } from '../testing/upload.ts'
import { examine } from './index.ts'

/** Milliseconds of work that the doctor looks at. */
const duration = 6_000
const clients = 6

describe('the doctor beside a busy server', () => {
  let server: TestServer
  let account: TestAccount

  before(async () => {
    // The edge keeps the true time: what was planned before a leap is still let in after it.
    const clocks = { now: () => new Date(Date.now() + clockAhead), edgeNow: () => new Date() }
    server = await startTestServer({ GRANT_LIFETIME: '60' }, clocks)
    account = await server.register('anna')
  })
  after(() => server.close())

  /** Grows, so that what is given up is soon let go for good; the doctor has the true time, as the store has. */
  let clockAhead = 0

  async function work(until: number): Promise<number> {
    let done = 0
    for (let turn = 0; Date.now() < until; turn += 1) {
      const bytes = jpeg(500 + (turn % 7) * 1_000)
      const planned = await plan(account, bytes, { strategy: turn % 2 === 0 ? 'single' : 'multipart' })
      await putParts(planned.body, bytes)
      if (turn % 4 === 1) {
        await account.call('DELETE', `/v1/uploads/${planned.body.id}`)
      } else {
        const { body } = await complete(account, planned.body.id)
        if (turn % 3 !== 0) await account.call('DELETE', `/v1/assets/${body.asset.id}?permanent=true`)
      }
      done += 1
    }
    return done
  }

  async function letGo(until: number): Promise<void> {
    while (Date.now() < until) {
      clockAhead += 5_000_000
      await server.engines.pool.query(
        `select graphile_worker.reschedule_jobs(array(select id from graphile_worker.jobs
         where run_at > now() and task_identifier = 'objects:delete'), now())`,
      )
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }

  it('never finds anything, and a repair takes nothing away', async () => {
    const until = Date.now() + duration
    let examinations = 0
    const look = async () => {
      while (Date.now() < until) {
        const { findings } = await examine(server.engines, {
          repair: examinations % 2 === 1,
          checksum: examinations % 3 === 0,
        })
        assert.deepEqual(findings, [])
        examinations += 1
      }
    }
    const [done] = await Promise.all([
      Promise.all(Array.from({ length: clients }, () => work(until))),
      letGo(until),
      look(),
    ])
    assert.ok(examinations > 3, `only ${examinations} examinations`)
    assert.ok(done.every((count) => count > 3))

    const { body } = await account.call('GET', '/v1/assets?limit=500')
    for (const asset of body.items.slice(0, 50)) {
      const original = await fetch(asset.urls.original)
      assert.equal(original.status, 200)
      assert.equal((await original.arrayBuffer()).byteLength, asset.size)
    }
  })
})
