/**
 * (j) The timeline of 200,000 assets, spread over 25 years and all in one month: its months and the items of any month, for
 * one user and for 50 at once. Rows are written by SQL; no files are needed, since nobody fetches them.
 */
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { startEmbeddedPostgres } from '../packages/server/src/engines/database/embedded/embedded-postgres.ts'
import { heliograph, startServer } from './contender.ts'
import type { BenchContext } from './context.ts'
import type { TimelinePlan, TimelineResult } from './load-timeline.ts'
import { readBusy, readUsage } from './process-tree.ts'
import { median, type Section, type Target } from './report.ts'

const users = 50
/** Accounts whose libraries are made, with what they are asked for. */
const years = 25
const chunk = 500

interface Library {
  ownerId: string
  tokens: string[]
  /** Paths of all its parts, of at most 500 items. */
  parts: string[]
  months: string[]
}

/** With the processor time it took, in seconds. */
interface Measured extends TimelineResult {
  serverCpu: number
  postgresCpu: number
}

interface Row {
  what: string
  results: Measured[]
}

export async function timeline(context: BenchContext): Promise<Section> {
  const assets = context.quick ? 20_000 : 200_000
  const server = await startServer(
    { ...heliograph.whole, environment: { ...heliograph.whole.environment, ROLES: 'api' } },
    // Both have the whole machine: what is promised is promised of one, and a database does half of the work.
    { ...context.limits, server: (command) => command },
  )
  const embedded = await startEmbeddedPostgres({
    dataDir: join(server.directory, 'postgres'),
    log: { info: () => undefined, error: (fields, message) => console.error(message, fields) },
  })
  const pool = new pg.Pool({ connectionString: embedded.url, max: 2 })
  const busyBefore = readBusy()
  const began = performance.now()
  try {
    const spread = await makeLibrary(pool, 'spread', assets, `${years} years`)
    const dense = await makeLibrary(pool, 'dense', assets, '18 days')
    await pool.query('vacuum analyze')
    const counting = await timeCounting(pool, spread.ownerId, context.quick ? 5 : 20)
    const rows = new Map<string, Row>()
    for (let round = 0; round < context.rounds; round += 1) {
      for (const { what, plan } of plansOf(server.url, spread, dense, round, context.quick)) {
        const before = readUsage(server.pid)
        const loaded = await load(context, plan)
        const after = readUsage(server.pid)
        const result = {
          ...loaded,
          serverCpu: after.server - before.server,
          postgresCpu: after.postgres - before.postgres,
        }
        process.stderr.write(`  ${what}: ${JSON.stringify(result)}\n`)
        const row = rows.get(what) ?? { what, results: [] }
        row.results.push(result)
        rows.set(what, row)
      }
    }
    const busy = (readBusy() - busyBefore) / ((performance.now() - began) / 1000)
    return report(assets, [...rows.values()], counting, busy)
  } finally {
    await pool.end()
    // The server uses it too, and stops it.
    await embedded.release()
    await server.stop()
  }
}

/** What is measured, in this order: the first pass over all months finds nothing kept. */
function plansOf(url: string, spread: Library, dense: Library, round: number, quick: boolean) {
  const fewer = quick ? 0.1 : 1
  const one = { url, tokens: spread.tokens.slice(0, 1), every: null }
  const all = { url, tokens: spread.tokens, every: null }
  const paced = { ...all, every: 1_000 }
  const oneOfDense = { ...one, tokens: dense.tokens.slice(0, 1) }
  const count = (full: number) => Math.ceil(full * fewer)
  // Another limit is another answer, so nothing of it is kept yet.
  const fresh = (paths: string[], turn: number) =>
    paths.map((path) => path.replace(/limit=\d+/, `limit=${chunk - 1 - 2 * round - turn}`))
  const repeat = (paths: string[], times: number) =>
    shuffle(Array.from({ length: times }, (_, at) => paths[at % paths.length] ?? ''))
  const plans: [what: string, plan: TimelinePlan][] = [
    ['one user, months', { ...one, paths: repeat(['/v1/timeline'], count(200)) }],
    ['one user, each month for the first time', { ...one, paths: shuffle(fresh(spread.parts, 0)) }],
    ['one user, each month again', { ...one, paths: shuffle(fresh(spread.parts, 0)) }],
    [
      'one user, each part of the one month for the first time',
      { ...oneOfDense, paths: shuffle(fresh(dense.parts, 0)) },
    ],
    ['one user, each part of the one month again', { ...oneOfDense, paths: shuffle(fresh(dense.parts, 0)) }],
    [`${users} users without a pause, months`, { ...all, paths: repeat(['/v1/timeline'], count(5_000)) }],
    [`${users} users without a pause, any month`, { ...all, paths: repeat(fresh(spread.parts, 0), count(5_000)) }],
    [
      `${users} users without a pause, any month for the first time`,
      { ...all, paths: shuffle(fresh(spread.parts, 1)) },
    ],
    [`${users} users, one request a second, months`, { ...paced, paths: repeat(['/v1/timeline'], count(users * 20)) }],
    [
      `${users} users, one request a second, any month`,
      { ...paced, paths: repeat(fresh(spread.parts, 0), count(users * 20)) },
    ],
  ]
  return plans.map(([what, plan]) => ({ what, plan }))
}

function shuffle<T>(items: T[]): T[] {
  const shuffled = [...items]
  for (let last = shuffled.length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1))
    ;[shuffled[last], shuffled[other]] = [shuffled[other] as T, shuffled[last] as T]
  }
  return shuffled
}

async function load({ limits }: BenchContext, plan: TimelinePlan): Promise<TimelineResult> {
  const script = fileURLToPath(new URL('load-timeline.ts', import.meta.url))
  const [command = '', ...args] = limits.load([process.execPath, script])
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(JSON.stringify(plan))
  return JSON.parse(await text(child.stdout)) as TimelineResult
}

/** In an order that has nothing to do with when they were taken, as a heap is after years: each item lies in a page of its own. */
async function makeLibrary(pool: pg.Pool, handle: string, assets: number, span: string): Promise<Library> {
  const { rows: accounts } = await pool.query<{ id: string }>(
    `insert into account (id, handle, name) values (gen_random_uuid(), $1, $1) returning id`,
    [handle],
  )
  const ownerId = accounts[0]?.id ?? ''
  await pool.query(
    `insert into asset (id, owner_id, upload_id, kind, state, purpose, object_key, filename, content_type, size, sha256, width, height,
                        duration, captured_at, captured_offset, camera, thumbhash, favorite, version, recipe, captured_by)
     select uuidv7(), $1::uuid, gen_random_uuid(), case when n % 20 = 0 then 'video' else 'image' end, 'ready', 'library',
            'originals/' || replace(gen_random_uuid()::text, '-', ''), 'IMG_' || n || '.HEIC', 'image/heic', 4000000 + n,
            sha256(gen_random_uuid()::text::bytea), 4032, 3024, case when n % 20 = 0 then 12.5 end,
            date_trunc('milliseconds', timestamptz '2026-11-19T12:00:00Z' - $3::interval * random()),
            (array[540, 60, 0, null, -300])[1 + n % 5], 'Camera', substr(sha256(gen_random_uuid()::text::bytea), 1, 25),
            random() < 0.01, 2, 1000, 'metadata'
     from generate_series(1, $2::integer) as n`,
    [ownerId, assets, span],
  )
  await pool.query(
    `insert into rendition (asset_id, name, object_key, content_type, size, width, height, recipe)
     select id, made.name, 'renditions/' || folder || '/' || made.name || '.' || turn || '.webp', 'image/webp', 20000, 320, 240, 1000
     from (select id, replace(gen_random_uuid()::text, '-', '') as folder, substr(md5(random()::text), 1, 8) as turn
           from asset where owner_id = $1) as one,
          (values ('thumb'), ('small'), ('preview'), ('large')) as made (name)`,
    [ownerId],
  )
  // As the job leaves them.
  await pool.query(
    `with taken as (delete from timeline_change where owner_id = $1 returning *)
     insert into timeline_month select owner_id, month, sum(images), sum(videos), sum(favorite_images), sum(favorite_videos), sum(changes)
     from taken group by 1, 2`,
    [ownerId],
  )
  const { rows } = await pool.query<{ month: string; count: number }>(
    `select to_char(month, 'YYYY-MM') as month, images + videos as count from timeline_month where owner_id = $1`,
    [ownerId],
  )
  const parts = rows.flatMap(({ month, count }) =>
    Array.from(
      { length: Math.ceil(count / chunk) },
      (_, part) => `/v1/timeline/${month}?limit=${chunk}&offset=${part * chunk}`,
    ),
  )
  return { ownerId, tokens: await makeTokens(pool, ownerId), parts, months: rows.map(({ month }) => month) }
}

async function makeTokens(pool: pg.Pool, ownerId: string): Promise<string[]> {
  const tokens = Array.from({ length: users }, () => `hgs_${randomBytes(32).toString('base64url')}`)
  await pool.query(
    `insert into access_token (id, account_id, kind, secret_hash, scopes, expires_at)
     select gen_random_uuid(), $1, 'session', hash, array['assets:read'], now() + interval '1 day' from unnest($2::bytea[]) as hash`,
    [ownerId, tokens.map((token) => createHash('sha256').update(token).digest())],
  )
  return tokens
}

/** What the months cost when the rows are grouped for each look, milliseconds. */
async function timeCounting(pool: pg.Pool, ownerId: string, times: number): Promise<number> {
  const took: number[] = []
  for (let turn = 0; turn < times; turn += 1) {
    const began = performance.now()
    await pool.query(
      `select to_char(taken_at, 'YYYY-MM') as month, count(*)::integer as count from asset
       where owner_id = $1 and trashed_at is null and purpose = 'library' and motion_of is null group by 1 order by 1 desc`,
      [ownerId],
    )
    took.push(performance.now() - began)
  }
  return median(took)
}

function report(assets: number, rows: Row[], counting: number, busy: number): Section {
  const of = (what: string, value: (result: Measured) => number) =>
    median((rows.find((row) => row.what === what)?.results ?? []).map(value))
  const format = (value: number) => value.toFixed(1)
  const target = (what: string, wanted: string, limit: number, measured: number): Target => ({
    what,
    wanted,
    measured: `${format(measured)} ms`,
    met: measured <= limit,
  })
  const p50 = (result: Measured) => result.p50
  const p95 = (result: Measured) => result.p95
  return {
    id: 'j',
    title: `The timeline of ${assets.toLocaleString('en')} assets`,
    method:
      `Two accounts of ${assets.toLocaleString('en')} assets each: over ${years} years, and all in 18 days of one month, written in an order that has nothing to do ` +
      'with when they were taken. A month is asked for in parts of 500 items, as zstd. "For the first time": the server has not answered that ' +
      'part before. Processor time is that of one request. Users have a session each and the same library. "Without a pause": each of 50 connections asks again as soon as it was answered, ' +
      'which is what the targets of 50 users are compared with; the rows of one request a second say what 50 people would see. Server, Postgres and load ' +
      `share the machine, unlimited; its cores were busy with ${busy.toFixed(1)} on average. To group the rows for each look, as was done before, takes ` +
      `Postgres alone ${format(counting)} ms.`,
    header: [
      'what',
      'p50 ms',
      'p95 ms',
      'slowest ms',
      'requests/s',
      'CPU ms, server',
      'CPU ms, Postgres',
      'KB an answer',
    ],
    rows: rows.map(({ what }) => [
      what,
      format(of(what, p50)),
      format(of(what, p95)),
      format(of(what, (result) => result.slowest)),
      of(what, (result) => result.count / result.seconds).toFixed(0),
      of(what, (result) => (result.serverCpu / result.count) * 1000).toFixed(2),
      of(what, (result) => (result.postgresCpu / result.count) * 1000).toFixed(2),
      of(what, (result) => result.bytes / result.count / 1000).toFixed(1),
    ]),
    targets: [
      target('one user, months, p95', 'at most 20 ms', 20, of('one user, months', p95)),
      target('one user, any month, p95', 'at most 50 ms', 50, of('one user, each month for the first time', p95)),
      target(
        'one user, any part of the one month, p95',
        'at most 50 ms',
        50,
        of('one user, each part of the one month for the first time', p95),
      ),
      target(
        `${users} users at once, months, p50`,
        'at most 15 ms (a peer: 55)',
        15,
        of(`${users} users without a pause, months`, p50),
      ),
      target(
        `${users} users at once, any month, p50`,
        'at most 30 ms (a peer: 71)',
        30,
        of(`${users} users without a pause, any month`, p50),
      ),
    ],
  }
}
