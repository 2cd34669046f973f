import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { after, before, describe, it, type TestContext } from 'node:test'
import { sql } from 'kysely'
import { createTestDatabase, type TestDatabase } from '../../testing/postgres.ts'
import { type Db, isDatabaseUnavailable, type OpenDatabase, openDatabase, violates } from './database.ts'

let database: TestDatabase

before(async () => {
  database = await createTestDatabase()
})

after(() => database.drop())

describe('an open database', () => {
  it('prepares each statement once a connection, by name', async (t) => {
    const { db } = open(t, { poolSize: 1 })
    for (const handle of ['ada', 'bob', 'cleo']) {
      await db.selectFrom('account').select('id').where('handle', '=', handle).execute()
    }
    const { rows } = await sql<{ statement: string; runs: number }>`
      select statement, (generic_plans + custom_plans)::int as runs from pg_prepared_statements`.execute(db)
    assert.equal(rows.length, 1)
    assert.match(rows[0]?.statement ?? '', /from "account" where "handle" = \$1/)
    assert.equal(rows[0]?.runs, 3)
  })

  it('reads sizes as numbers, and refuses one that a number cannot hold', async (t) => {
    const { db } = open(t)
    const { rows } = await sql`select ${2 ** 53 - 1}::bigint as size`.execute(db)
    assert.deepEqual(rows, [{ size: 2 ** 53 - 1 }])
    await assert.rejects(sql`select 9007199254740993::bigint`.execute(db), RangeError)
  })

  it('tells which constraint was violated', async (t) => {
    const { db } = open(t)
    const account = { id: '01890000-0000-7000-8000-000000000001', handle: 'ada', email: 'ada@example.org', name: 'Ada' }
    await db.insertInto('account').values(account).execute()
    const error = await failure(
      db
        .insertInto('account')
        .values({ ...account, email: 'b@example.org' })
        .execute(),
    )
    assert.equal(violates(error, 'account_pkey'), true)
    assert.equal(violates(error, 'account_email'), false)
    assert.equal(isDatabaseUnavailable(error), false)
  })
})

describe('an unavailable database is recognised', () => {
  it('when nobody listens, on a port or a socket', async (t) => {
    const probe = createServer().listen(0, '127.0.0.1')
    await once(probe, 'listening')
    const address = probe.address()
    assert.ok(address !== null && typeof address === 'object')
    await new Promise((resolve) => probe.close(resolve))
    for (const url of [
      `postgresql://nobody@127.0.0.1:${address.port}/x`,
      'postgresql://nobody@localhost/x?host=%2Fnowhere',
    ]) {
      const { db } = open(t, { url })
      assert.equal(isDatabaseUnavailable(await failure(sql`select 1`.execute(db))), true, url)
    }
  })

  it('when the connection is cut during a statement', async (t) => {
    const { db } = open(t, { poolSize: 1 })
    const pid = await backendOf(db)
    const sleeping = failure(sql`select pg_sleep(30)`.execute(db))
    await terminate(t, pid)
    assert.equal(isDatabaseUnavailable(await sleeping), true)
    assert.deepEqual((await sql`select 1 as one`.execute(db)).rows, [{ one: 1 }])
  })

  it('when the connection is cut between the statements of a transaction, which must not end the process', async (t) => {
    const { db } = open(t, { poolSize: 1 })
    const error = await failure(
      db.transaction().execute(async (tx) => {
        const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx)
        await terminate(t, rows[0]?.pid)
        await sql`select 1`.execute(tx)
      }),
    )
    assert.equal(isDatabaseUnavailable(error), true)
    assert.deepEqual((await sql`select 1 as one`.execute(db)).rows, [{ one: 1 }])
  })

  it('when all connections of the pool are taken for too long', async (t) => {
    const { db, pool } = open(t, { poolSize: 1, acquireTimeout: 50 })
    const taken = await pool.connect()
    assert.equal(isDatabaseUnavailable(await failure(sql`select 1`.execute(db))), true)
    taken.release()
  })

  it('but not when the statement is wrong', async (t) => {
    const { db } = open(t)
    assert.equal(isDatabaseUnavailable(await failure(sql`select nonsense`.execute(db))), false)
    assert.equal(isDatabaseUnavailable(await failure(sql`select 1 / 0`.execute(db))), false)
    assert.equal(isDatabaseUnavailable(new Error('something else')), false)
  })
})

function open(
  t: TestContext,
  options: { url?: string; poolSize?: number; acquireTimeout?: number } = {},
): OpenDatabase {
  const opened = openDatabase({ url: database.url, poolSize: 2, ...options })
  t.after(() => opened.close())
  return opened
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => assert.fail('it should have failed'),
    (error: unknown) => error,
  )
}

async function backendOf(db: Db): Promise<number> {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db)
  return rows[0]?.pid ?? 0
}

/** Ends a connection as an administrator or a failover does, and waits until it is gone. */
async function terminate(t: TestContext, pid: number | undefined): Promise<void> {
  const { db } = open(t)
  await sql`select pg_terminate_backend(${pid}::integer, 5000)`.execute(db)
}
