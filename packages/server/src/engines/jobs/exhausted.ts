/** Jobs that failed as often as they may: graphile-worker keeps them and never runs them again by itself. */
import { sql } from 'kysely'
import type { Db } from '../database/database.ts'

export interface ExhaustedJob {
  id: string
  task: string
  attempts: number
  /** Message of the last failure. */
  error: string | null
}

/** A job that is running its last attempt is none of them. At most `limit`, by id after `after`. */
export async function exhaustedJobs(db: Db, after: string, limit: number): Promise<ExhaustedJob[]> {
  const { rows } = await sql<ExhaustedJob>`
    select id::text as id, task_identifier as task, attempts::int as attempts, last_error as error
    from graphile_worker.jobs
    where attempts >= max_attempts and locked_at is null and id > ${after}::bigint
    order by jobs.id limit ${limit}`.execute(db)
  return rows
}

/** Gives them all their attempts again. Returns how many there were. */
export async function retryJobs(db: Db, ids: string[]): Promise<number> {
  const { rows } = await sql`
    select id from graphile_worker.reschedule_jobs(${ids}::bigint[], run_at := now(), attempts := 0)`.execute(db)
  return rows.length
}
