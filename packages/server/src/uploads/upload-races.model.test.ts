/**
 * Calls that end one upload in different ways, at once, with the answers of the store put into every order: whichever
 * wins, one outcome holds, the quota counts it, and no bytes are left that nobody knows of.
 */
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { examine } from '../doctor/index.ts'
import type { ObjectStore } from '../engines/object-store/index.ts'
import { jpeg, sha256 } from '../testing/photos.ts'
import { startTestServer, type TestAccount, type TestServer } from '../testing/server.ts'
import { complete, plan, putParts, storageOf, upload } from '../testing/upload.ts'
import { extendGrants } from './transfer.ts'

/** Waits for its turn before a call of the store begins, and again before its answer is given. */
type Gate = <T>(name: string, work: () => Promise<T>) => Promise<T>

const open: Gate = (_name, work) => work()
const gated = ['head', 'listParts', 'completeMultipart', 'abortMultipart', 'delete', 'attestedSha256'] as const

describe('ends of an upload that come at once', () => {
  let server: TestServer
  let account: TestAccount
  let gate = open
  const clock = { ahead: 0 }

  before(async () => {
    server = await startTestServer(
      { SESSION_DAYS: '3650' },
      { now: () => new Date(Date.now() + clock.ahead), store: (store) => behindGate(store, () => gate) },
    )
    account = await server.register('anna')
  })
  after(() => server.close())

  const hours = (number: number) => {
    clock.ahead += number * 3_600_000
  }

  const ends = {
    complete: async (id: string) => (await account.call('POST', `/v1/uploads/${id}/complete`, {})).status,
    abort: async (id: string) => (await account.call('DELETE', `/v1/uploads/${id}`)).status,
    expire: async (id: string) => {
      await server.engines.pool.query(`update upload set expires_at = now() - interval '1 s' where id = $1`, [id])
      await server.engines.jobs.enqueue(server.engines.db, 'uploads:expire', {})
      return null
    },
  }

  const property = fc.asyncProperty(
    fc.scheduler(),
    fc.constantFrom('single' as const, 'multipart' as const),
    fc.array(fc.constantFrom('complete' as const, 'complete' as const, 'abort' as const, 'expire' as const), {
      minLength: 2,
      maxLength: 4,
    }),
    async (scheduler, strategy, calls) => {
      if (Date.now() > deadline) return
      const before = await storageOf(account)
      const bytes = jpeg(1_000)
      const { body: planned } = await plan(account, bytes, { strategy })
      await putParts(planned, bytes)
      // Every URL of it has died: from now on nothing needs to be watched for late bytes.
      hours(2)

      gate = (name, work) =>
        scheduler.schedule(Promise.resolve(), `begin ${name}`).then(async () => {
          const result = await work().then(
            (value) => () => value,
            (error: unknown) => () => {
              throw error
            },
          )
          await scheduler.schedule(Promise.resolve(), `answer ${name}`)
          return result()
        })
      const outcome = Promise.all(calls.map((call) => ends[call](planned.id))).then(async (statuses) => {
        await server.settleJobs()
        return statuses
      })
      const statuses = await scheduler.waitFor(outcome).finally(() => {
        gate = open
      })

      assert.ok(
        statuses.every((status) => status === null || status < 500),
        `${statuses}`,
      )
      const { body: ended } = await account.call('GET', `/v1/uploads/${planned.id}`)
      const now = await storageOf(account)
      assert.notEqual(ended.state, 'uploading')
      assert.equal(now.usedBytes - before.usedBytes, ended.state === 'completed' ? bytes.length : 0)
      assert.equal(now.reservedBytes, 0)
      // Whoever was told that the file is kept can have it.
      if (statuses.includes(201)) assert.equal(ended.state, 'completed')

      // What was watched for a while is let go.
      hours(3)
      await letGo()
      const { findings } = await examine({ ...server.engines, now: () => new Date(Date.now() + clock.ahead) })
      assert.deepEqual(findings, [])
      assert.equal(await objectsOf(planned.id), ended.state === 'completed' ? 1 : 0)
    },
  )

  /** Runs the deletions that were kept for later. */
  async function letGo(): Promise<void> {
    await server.engines.pool.query(
      `select graphile_worker.reschedule_jobs(array(select id from graphile_worker.jobs where run_at > now()), now())`,
    )
    await server.settleJobs()
  }

  async function objectsOf(uploadId: string): Promise<number> {
    const { object_key: key } = await server.engines.db
      .selectFrom('upload')
      .select('object_key')
      .where('id', '=', uploadId)
      .executeTakeFirstOrThrow()
    return (await server.engines.store.head(key)) === null ? 0 : 1
  }

  /** A slow machine tries fewer, and none is cut short: what it left running would disturb the next. */
  let deadline = 0
  const tryAll = (seed: object) => {
    deadline = Date.now() + 5_000
    return fc.assert(property, { numRuns: 40, ...seed })
  }

  it('have one outcome in every order, for a fixed seed', () => tryAll({ seed: 7 }))

  it('never wait for each other in a circle', async () => {
    for (let round = 0; round < 40; round += 1) {
      const bytes = jpeg(1_000)
      const { body: planned } = await plan(account, bytes)
      await putParts(planned, bytes)
      const calls = [ends.complete, ends.abort, ends.expire, ends.abort]
      const statuses = await Promise.all(calls.map((end) => end(planned.id)))
      assert.ok(
        statuses.every((status) => status === null || status < 500),
        `${statuses}`,
      )
    }
    await server.settleJobs()
  })

  it('never wait in a circle for a purge of the same bytes', async () => {
    const bytes = jpeg(1_000)
    let previous = await upload(account, bytes)
    for (let round = 0; round < 40; round += 1) {
      const { body: planned } = await plan(account, bytes)
      await putParts(planned, bytes)
      const [completed, purged] = await Promise.all([
        account.call('POST', `/v1/uploads/${planned.id}/complete`, {}),
        account.call('DELETE', `/v1/assets/${previous.id}?permanent=true`),
      ])
      assert.equal(purged.status, 204)
      assert.ok(completed.status < 500 || completed.body.type === '/problems/unavailable', `${completed.status}`)
      // Told to come back, as the copy it met was being removed: now there is none.
      if (completed.status === 503) assert.equal(await ends.complete(planned.id), 201)
      previous = await held(bytes)
    }
    await server.settleJobs()
    assert.equal((await storageOf(account)).reservedBytes, 0)
  })

  /** The asset of these bytes, sent again where the purge was the last to come. */
  async function held(bytes: Buffer) {
    const { body: planned } = await plan(account, bytes, { sha256: sha256(bytes) })
    if (planned.duplicateOf !== undefined) return planned.duplicateOf
    await putParts(planned, bytes)
    return (await complete(account, planned.id)).body.asset
  }

  it('leave no bytes of a completion that was joining parts while the upload was aborted', async () => {
    const bytes = jpeg(1_000)
    const { body: planned } = await plan(account, bytes, { strategy: 'multipart' })
    hours(2)
    assert.equal(await ends.abort(planned.id), 204)
    await server.settleJobs()
    const { object_key: key } = await server.engines.db
      .selectFrom('upload')
      .select('object_key')
      .where('id', '=', planned.id)
      .executeTakeFirstOrThrow()
    // A store that was joining the parts, of which a large file has many, is done only now.
    await server.engines.store.put(key, Readable.from([bytes]), { contentType: 'image/jpeg' })
    hours(3)
    await letGo()
    assert.equal(await objectsOf(planned.id), 0)
    const { findings } = await examine(server.engines)
    assert.deepEqual(findings, [])
  })

  it('give out no URL of an upload that ended a moment before', async () => {
    const { body: planned } = await plan(account, jpeg(1_000))
    assert.equal(await ends.abort(planned.id), 204)
    const context = { db: server.engines.db, now: () => new Date(), limits: { grantLifetime: 3_600 } }
    await assert.rejects(extendGrants(context, planned.id), { code: 'upload-closed' })
  })

  it('have one outcome in every order, for a seed of today', () => tryAll({}))
})

function behindGate(store: ObjectStore, gate: () => Gate): ObjectStore {
  return new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      const call = value.bind(target)
      const method = gated.find((one) => one === name)
      return method === undefined ? call : (...args: unknown[]) => gate()(method, () => call(...args))
    },
  })
}
