/**
 * Frees the jobs of workers that died. graphile-worker gives a dead worker's jobs back after four hours; here every
 * running pool holds a Postgres advisory lock under its name, which its connection loses when its process dies, so that
 * others know within seconds.
 */
import { type Kysely, sql } from 'kysely'
import type pg from 'pg'
import type { JobsLogger } from './jobs.ts'

/** First key of the advisory locks: "HELI" in ASCII. */
const lockClass = 0x48454c49
/** Seconds between two looks, and before which a lock may not have been taken yet. */
const interval = 5

export interface Liveness {
  stop(): Promise<void>
}

/** One connection holds the locks of all pools of this process. */
export async function showLiveness(pool: pg.Pool, names: string[], log: JobsLogger): Promise<Liveness> {
  let stopped = false
  let client: pg.PoolClient | null = null
  /** Once: a connection that is given back can still end with an error, as when its database is dropped. */
  let letGo: () => void = () => undefined

  async function hold(): Promise<void> {
    const taken = await pool.connect()
    let isTaken = true
    letGo = () => {
      if (!isTaken) return
      isTaken = false
      client = null
      taken.release(true)
    }
    taken.once('error', letGo)
    await taken.query('select pg_advisory_lock($1, hashtext(name)) from unnest($2::text[]) as name', [lockClass, names])
    client = taken
  }

  async function beat(): Promise<void> {
    if (client === null) await hold()
  }

  await hold()
  const timer = setInterval(() => {
    if (stopped) return
    beat().catch((error: unknown) => log.error({ err: error }, 'the worker could not show that it lives'))
  }, interval * 1000)

  return {
    async stop() {
      stopped = true
      clearInterval(timer)
      // The lock belongs to the session: ending it lets go.
      letGo()
    },
  }
}

/**
 * Gives back the jobs of pools that hold no lock. Returns the names of the dead.
 *
 * A job that was replaced or cancelled by its key while it ran is kept by graphile-worker, without its key and with its
 * attempts used up, until its worker is done with it. A dead worker never is, so it is removed here; else it would stay
 * for ever and look like one that failed too often. It can be told from one that killed its worker for the last time:
 * only the replacement writes `updated_at` after the job was taken.
 */
export async function freeAbandonedJobs<D>(db: Kysely<D>): Promise<string[]> {
  const { rows } = await sql<{ name: string; superseded: string[] | null }>`
    select locked_by as name,
           array_agg(id::text) filter (where attempts >= max_attempts and updated_at > locked_at) as superseded
    from graphile_worker.jobs
    where locked_by is not null
      and locked_at < now() - make_interval(secs => ${sql.lit(interval)})
      and not exists (
        select from pg_locks
        where locktype = 'advisory' and granted
          and database = (select oid from pg_database where datname = current_database())
          and classid = ${sql.lit(lockClass)}::oid
          and objid = (hashtext(locked_by)::bigint & 4294967295)::oid)
    group by locked_by`.execute(db)
  const dead = rows.map((row) => row.name)
  const superseded = rows.flatMap((row) => row.superseded ?? [])
  if (dead.length === 0) return []
  await db.transaction().execute(async (tx) => {
    await sql`select graphile_worker.force_unlock_workers(${dead}::text[])`.execute(tx)
    await sql`select graphile_worker.complete_jobs(${superseded}::bigint[])`.execute(tx)
  })
  return dead
}
