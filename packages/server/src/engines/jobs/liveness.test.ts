import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { createTestDatabase, type TestDatabase } from '../../testing/postgres.ts'
import { type OpenDatabase, openDatabase } from '../database/database.ts'
import { exhaustedJobs, retryJobs } from './exhausted.ts'
import { createJobs, type Jobs } from './jobs.ts'
import { freeAbandonedJobs, showLiveness } from './liveness.ts'

const log = { error: (fields: object, message: string) => console.error(message, fields) }

describe('the jobs of a worker that died', () => {
  let database: TestDatabase
  let engine: OpenDatabase
  let jobs: Jobs

  before(async () => {
    database = await createTestDatabase()
    engine = openDatabase({ url: database.url, poolSize: 4 })
    jobs = createJobs({ ...engine, log })
  })
  after(async () => {
    await engine.close()
    await database.drop()
  })
  beforeEach(async () => void (await engine.pool.query('delete from graphile_worker._private_jobs')))

  /** As if a worker took every job some time ago. */
  const take = (worker: string, attempts = 'attempts + 1') =>
    engine.pool.query(
      `update graphile_worker._private_jobs
       set locked_by = $1, locked_at = now() - interval '10 s', attempts = ${attempts}, updated_at = now() - interval '1 min'`,
      [worker],
    )

  async function waiting(): Promise<{ key: string | null; attempts: number }[]> {
    const { rows } = await engine.pool.query('select key, attempts from graphile_worker.jobs where locked_at is null')
    return rows
  }

  it('run again, and those of a living one are left alone', async () => {
    await jobs.enqueue(engine.db, 'objects:sweep', {})
    await take('dead')
    assert.deepEqual(await freeAbandonedJobs(engine.db), ['dead'])
    assert.deepEqual(await waiting(), [{ key: null, attempts: 1 }])

    await take('living')
    const liveness = await showLiveness(engine.pool, ['living'], log)
    assert.deepEqual(await freeAbandonedJobs(engine.db), [])
    await liveness.stop()
  })

  it('do not run again when they were replaced or cancelled meanwhile, and leave nothing that looks failed', async () => {
    await jobs.enqueue(engine.db, 'uploads:expire', {}, { key: 'expire' })
    await jobs.enqueue(engine.db, 'objects:sweep', {}, { key: 'sweep' })
    await take('dead')
    await jobs.enqueue(engine.db, 'uploads:expire', {}, { key: 'expire' })
    await jobs.cancel(engine.db, ['sweep'])
    assert.deepEqual(await freeAbandonedJobs(engine.db), ['dead'])
    assert.deepEqual(await waiting(), [{ key: 'expire', attempts: 0 }])
    assert.deepEqual(await exhaustedJobs(engine.db, '0', 10), [])
  })

  it('are kept as failed when they have killed a worker too often, and can be tried again', async () => {
    await jobs.enqueue(engine.db, 'objects:sweep', {})
    await take('dead', 'max_attempts')
    assert.deepEqual(await exhaustedJobs(engine.db, '0', 10), [], 'its last attempt may still run')
    await freeAbandonedJobs(engine.db)
    const failed = await exhaustedJobs(engine.db, '0', 10)
    assert.deepEqual(
      failed.map(({ task, attempts }) => [task, attempts]),
      [['objects:sweep', 25]],
    )
    assert.equal(
      await retryJobs(
        engine.db,
        failed.map(({ id }) => id),
      ),
      1,
    )
    assert.deepEqual(await waiting(), [{ key: null, attempts: 0 }])
  })
})
