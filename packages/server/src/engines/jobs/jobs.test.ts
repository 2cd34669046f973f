import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createTestDatabase, type TestDatabase } from '../../testing/postgres.ts'
import { type OpenDatabase, openDatabase } from '../database/database.ts'
import { createJobs, type Jobs } from './jobs.ts'

const log = { error: (fields: object, message: string) => console.error(message, fields) }

describe('jobs', () => {
  let database: TestDatabase
  let engine: OpenDatabase
  let jobs: Jobs

  before(async () => {
    database = await createTestDatabase()
    engine = openDatabase({ url: database.url, poolSize: 6 })
    jobs = createJobs({ ...engine, log })
  })
  after(async () => {
    await engine.close()
    await database.drop()
  })

  const rows = async () =>
    (
      await engine.pool.query(
        'select task_identifier as task, attempts, run_at <= now() as due from graphile_worker.jobs',
      )
    ).rows

  it('of one lane do not wait for those of another, and go back whole when a drain cuts them short', async () => {
    let begun: () => void = () => undefined
    const long = new Promise<void>((resolve) => {
      begun = resolve
    })
    let done: () => void = () => undefined
    const short = new Promise<void>((resolve) => {
      done = resolve
    })
    const running = await jobs.start(
      [
        { concurrency: 1, tasks: { 'objects:sweep': async () => done() } },
        {
          concurrency: 1,
          tasks: {
            'uploads:expire': async (_payload, { signal }) => {
              begun()
              await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
            },
          },
        },
      ],
      [],
    )
    await jobs.enqueue(engine.db, 'uploads:expire', {})
    await long
    await jobs.enqueue(engine.db, 'objects:sweep', {})
    await short
    await running.stop()
    assert.deepEqual(await rows(), [{ task: 'uploads:expire', attempts: 0, due: true }])
  })
})
