/**
 * Crash runs on one database and one folder: a server is started that will die at some point, clients work against it
 * until it does, a second server is started on what the first left, and then everything must be right.
 */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { examine } from '../../doctor/index.ts'
import { openDatabase } from '../../engines/database/database.ts'
import { type FaultPoint, faultPoints } from '../../engines/faults/faults.ts'
import { createJobs } from '../../engines/jobs/jobs.ts'
import { createFileStore } from '../../engines/object-store/index.ts'
import { sha256 } from '../../testing/photos.ts'
import { createTestDatabase } from '../../testing/postgres.ts'
import { ProcessEnded, type ServerProcess, startServerProcess } from '../../testing/process.ts'
import { createRandom, type Random } from '../../testing/random.ts'
import { call, register } from '../../testing/server.ts'
import { createLedger } from './ledger.ts'
import { resumeAll, runClient, type WorkloadContext } from './workload.ts'

export type Crash =
  /** The server kills itself the `occurrence`th time it comes to this point. */
  | { kind: 'point'; point: FaultPoint; occurrence: number }
  /** It is killed so many milliseconds after it was ready. */
  | { kind: 'time'; after: number }

export interface CrashSeries {
  run(crash: Crash, seed: number): Promise<{ diedByItself: boolean }>
  /** Lets everything end, and looks at every byte. */
  finish(): Promise<void>
  close(): Promise<void>
}

/** The first run of each point, then random ones. The same seed gives the same list. */
export function chooseCrashes(seed: number, runs: number): Crash[] {
  const random = createRandom(seed)
  const first = random.shuffle(faultPoints).map((point) => ({ kind: 'point', point, occurrence: 1 }) as const)
  const more = Array.from({ length: Math.max(0, runs - first.length) }, () => randomCrash(random))
  return [...first, ...more].slice(0, runs)
}

function randomCrash(random: Random): Crash {
  if (random.integer(4) === 0) return { kind: 'time', after: random.integer(1_500) }
  return { kind: 'point', point: random.pick(faultPoints), occurrence: 1 + random.integer(6) }
}

export function describeCrash(crash: Crash): string {
  return crash.kind === 'point' ? `${crash.point}#${crash.occurrence}` : `SIGKILL after ${crash.after} ms`
}

const clients = 3

export async function startCrashSeries(): Promise<CrashSeries> {
  const dataDir = await mkdtemp(join(tmpdir(), 'heliograph-crash-'))
  const database = await createTestDatabase()
  const environment = { DATA_DIR: dataDir, DATABASE_URL: database.url, DATABASE_POOL: '16', IMAGE_CONCURRENCY: '1' }
  const { db, pool, close } = openDatabase({ url: database.url, poolSize: 4 })
  const jobs = createJobs({ db, pool, log: { error: (fields, message) => console.error(message, fields) } })
  const store = createFileStore({ root: join(dataDir, 'files') })
  const ledger = createLedger()
  let token = ''

  const expire = async (id: string) => {
    await pool.query(`update upload set expires_at = now() - interval '1 s' where id = $1`, [id])
    await jobs.enqueue(db, 'uploads:expire', {})
  }
  const leaveToWorker = async (assetId: string) => {
    await pool.query(`update asset set state = 'processing', sha256 = null where id = $1`, [assetId])
    await jobs.enqueue(db, 'asset:process', { assetId })
  }
  const workload = (address: string, random: Random): WorkloadContext => ({
    address,
    token,
    ledger,
    random,
    expire,
    leaveToWorker,
  })

  async function crash(how: Crash, random: Random): Promise<{ pid: number; diedByItself: boolean }> {
    const fault = how.kind === 'point' ? { HELIOGRAPH_FAULT_POINT: `${how.point}#${how.occurrence}` } : {}
    let server: ServerProcess
    try {
      server = await startServerProcess({ ...environment, ...fault })
    } catch (error) {
      // Work that was left from the run before brought it to its point at once.
      if (error instanceof ProcessEnded && error.end.signal === 'SIGKILL') return { pid: error.pid, diedByItself: true }
      throw error
    }
    if (how.kind === 'time') setTimeout(() => server.kill(), how.after)
    const contexts = Array.from({ length: clients }, () =>
      workload(server.address, createRandom(random.integer(2 ** 31))),
    )
    await Promise.all(contexts.map((context) => runClient(context, 4)))
    // The worker may get there a little later than the clients are done.
    const diedByItself = await Promise.race([
      server.ended.then(() => true),
      delay(how.kind === 'time' || how.occurrence > 1 ? 500 : 5_000, false, { ref: false }),
    ])
    if (!diedByItself) await server.kill()
    return { pid: server.pid, diedByItself }
  }

  async function withServer(work: (server: ServerProcess) => Promise<void>): Promise<void> {
    const server = await startServerProcess(environment)
    try {
      await work(server)
    } catch (error) {
      const complaints = server.complaints()
      if (complaints !== '') console.error(complaints)
      throw error
    } finally {
      // The second crash of the run: nothing waits for anything.
      await server.kill()
    }
  }

  async function assertKept(address: string, wanted: Iterable<[string, string]>): Promise<void> {
    for (const [id, digest] of wanted) {
      const { status, body } = await call(address, token, 'GET', `/v1/assets/${id}`)
      assert.equal(status, 200, `asset ${id} was acknowledged and is gone`)
      const original = await fetch(body.urls.original)
      assert.equal(original.status, 200, `asset ${id} was acknowledged and its bytes are gone`)
      assert.equal(sha256(Buffer.from(await original.arrayBuffer())), digest, `asset ${id} has other bytes`)
    }
  }

  async function assertAgreement(checksum: boolean): Promise<void> {
    const { findings } = await examine({ db, store, jobs }, { checksum })
    assert.deepEqual(findings, [])
    const { rows } = await pool.query(
      `select used_bytes as used, (select coalesce(sum(size), 0)::bigint from asset) as assets, reserved_bytes as reserved,
              (select coalesce(sum(reserved_bytes), 0)::bigint from upload where state = 'uploading') as uploads
       from storage_quota`,
    )
    assert.deepEqual(
      rows.map(({ used, reserved }) => [used, reserved]),
      rows.map(({ assets, uploads }) => [assets, uploads]),
    )
  }

  /** What the dead process was writing was swept when the next one started. */
  async function assertNothingHalfWritten(pid: number): Promise<void> {
    const names = await readdir(join(dataDir, 'files', 'tmp'))
    assert.deepEqual(
      names.filter((name) => name.split('-')[1] === String(pid)),
      [],
    )
  }

  /** Jobs of a worker that died are given to the living within seconds. */
  async function settleJobs(): Promise<void> {
    const deadline = Date.now() + 30_000
    for (;;) {
      const { rows } = await pool.query(
        `select task_identifier as task, locked_by, locked_at, attempts, last_error from graphile_worker.jobs
         where attempts < max_attempts and (locked_at is not null or run_at <= now())`,
      )
      if (rows.length === 0) return
      if (Date.now() > deadline) throw new Error(`Jobs are still waiting after 30 s: ${JSON.stringify(rows)}`)
      await delay(50)
    }
  }

  return {
    async run(how, seed) {
      const random = createRandom(seed)
      if (token === '') {
        await withServer(async ({ address }) => {
          token = (await register(address, 'anna')).token
        })
      }
      const before = new Set(ledger.kept.keys())
      const { pid, diedByItself } = await crash(how, random)
      await withServer(async ({ address }) => {
        await assertNothingHalfWritten(pid)
        await resumeAll(workload(address, random))
        const older = random.shuffle([...before]).slice(0, 10)
        const wanted = [...ledger.kept].filter(([id]) => !before.has(id) || older.includes(id))
        await assertKept(address, wanted)
        await assertAgreement(false)
        if (how.kind === 'point' && /^(process|purge|expire)/.test(how.point)) {
          await settleJobs()
          await assertAgreement(false)
        }
      })
      return { diedByItself }
    },

    async finish() {
      // Streams that were cut off have nobody who resumes them.
      await pool.query(`update upload set expires_at = now() - interval '1 s' where state = 'uploading'`)
      await withServer(async ({ address }) => {
        await settleJobs()
        await assertKept(address, ledger.kept)
        await assertAgreement(true)
        const { rows } = await pool.query('select reserved_bytes as reserved from storage_quota')
        assert.deepEqual(rows, [{ reserved: 0 }])
        const { rows: waiting } = await pool.query(`select count(*) as count from asset where state <> 'ready'`)
        assert.deepEqual(waiting, [{ count: 0 }])
      })
    },

    async close() {
      await close()
      await database.drop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
