/**
 * A database of its own for each test, with the schema in place. The first caller migrates a template, under a lock;
 * everyone else copies it. The server is the one the test runner started (`HELIOGRAPH_TEST_POSTGRES`), or, when one
 * file is run by hand, an embedded one shared by all such runs of this user, which the last of them stops.
 */
import { createHash, randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { openDatabase } from '../engines/database/database.ts'
import { startEmbeddedPostgres } from '../engines/database/embedded/embedded-postgres.ts'
import { migrate } from '../engines/database/migrate.ts'
import { migrateJobs } from '../engines/jobs/jobs.ts'

export interface TestDatabase {
  url: string
  /** Ends its connections and removes it. */
  drop(): Promise<void>
}

const templatePrefix = 'heliograph_template_'
const databasePrefix = 'heliograph_test_'
const lockKey = 7_283_461

/** One server a process, however many tests ask for it; the promise is what they share. */
let server: Promise<string> | undefined

export async function createTestDatabase(): Promise<TestDatabase> {
  server ??= findServer()
  const admin = await server
  const name = `${databasePrefix}${randomBytes(8).toString('hex')}`
  await withTemplateLock(admin, async (client) => {
    const template = await ensureTemplate(admin, client)
    await client.query(`create database ${name} template ${template}`)
  })
  return {
    url: urlOf(admin, name),
    drop: () =>
      withClient(admin, async (client) => {
        await client.query(`drop database if exists ${name} with (force)`)
      }),
  }
}

async function findServer(): Promise<string> {
  const given = process.env.HELIOGRAPH_TEST_POSTGRES
  if (given !== undefined && given !== '') return given
  const embedded = await startEmbeddedPostgres({
    dataDir: join(tmpdir(), `heliograph-test-${userInfo().uid}`, 'postgres'),
    log: { info: () => undefined, error: (fields, message) => console.error(message, fields) },
    settings: testServerSettings,
  })
  // Nothing else keeps the process alive then: the tests are done.
  process.once('beforeExit', () => void embedded.release())
  const admin = urlOf(embedded.url, 'postgres')
  if (!embedded.adopted) await dropLeftovers(admin)
  return admin
}

/** What a test server may do without, as its data need not survive the machine. A killed Postgres still loses nothing. */
export const testServerSettings = { fsync: 'off', full_page_writes: 'off', max_wal_size: '4GB' }

/** Databases of test processes that were killed. Under the lock, as others may have adopted the server meanwhile. */
async function dropLeftovers(admin: string): Promise<void> {
  await withTemplateLock(admin, async (client) => {
    const { rows } = await client.query<{ datname: string }>(
      `select datname from pg_database where datname like '${databasePrefix}%'
       and not exists (select from pg_stat_activity where pg_stat_activity.datname = pg_database.datname)`,
    )
    for (const { datname } of rows) await client.query(`drop database ${datname}`)
  })
}

/** Creates the template unless it is there; a template of other migrations is dropped. Answers its name. */
async function ensureTemplate(admin: string, client: pg.Client): Promise<string> {
  const name = `${templatePrefix}${await hashOfMigrations()}`
  const { rows } = await client.query<{ datname: string }>(
    `select datname from pg_database where datname like '${templatePrefix}%'`,
  )
  if (rows.some(({ datname }) => datname === name)) return name
  for (const { datname } of rows) await client.query(`drop database ${datname} with (force)`)
  // Gets its name when it is complete, so that one which was cut short is never copied.
  const unfinished = `${templatePrefix}unfinished`
  await client.query(`create database ${unfinished}`)
  const { db, pool, close } = openDatabase({ url: urlOf(admin, unfinished), poolSize: 2 })
  try {
    await migrate(db)
    await migrateJobs(pool)
  } finally {
    await close()
  }
  await client.query(`alter database ${unfinished} rename to ${name}`)
  return name
}

/** Of all that decides what the template holds. */
async function hashOfMigrations(): Promise<string> {
  const folder = new URL('../engines/database/migrations/', import.meta.url)
  const files = (await readdir(folder)).sort().map((file) => new URL(file, folder))
  files.push(new URL('../migrate.ts', folder), new URL('../package.json', import.meta.resolve('graphile-worker')))
  const hash = createHash('sha256')
  for (const file of files) hash.update(await readFile(file))
  return hash.digest('hex').slice(0, 16)
}

/** Postgres copies a template only while nobody is connected to it, so one at a time. */
async function withTemplateLock<T>(admin: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  return withClient(admin, async (client) => {
    await client.query('select pg_advisory_lock($1)', [lockKey])
    return work(client)
  })
}

/** The end of the connection frees the lock. */
async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

function urlOf(admin: string, database: string): string {
  const url = new URL(admin)
  url.pathname = `/${database}`
  return url.href
}
