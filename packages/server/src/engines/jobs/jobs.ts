/**
 * Durable jobs on graphile-worker. `enqueue` takes the transaction that makes the job due, so a job exists exactly when
 * its cause committed. Tasks must be safe to repeat: a job whose worker died runs again.
 */
import { EventEmitter } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { Logger, type Runner, run, runMigrations } from 'graphile-worker'
import { type RawBuilder, sql } from 'kysely'
import type pg from 'pg'
import type { Db, Tx } from '../database/database.ts'
import { freeAbandonedJobs, showLiveness } from './liveness.ts'

/** Payload of every task of the program. Domains extend it by declaration merging where they define a task. */
// biome-ignore lint/suspicious/noEmptyInterface: filled by the domains that own the tasks.
export interface TaskPayloads {}

export type TaskName = keyof TaskPayloads & string

export interface EnqueueOptions {
  /** Not before; now when absent. */
  runAt?: Date
  /** At most one waiting job has this key; enqueuing again replaces it. */
  key?: string
  /** Lower runs first. Interactive work is 0, bulk work 10. */
  priority?: number
  /** Default 25, which with exponential backoff is about three days. */
  maxAttempts?: number
}

export interface TaskContext {
  /** From 1. */
  attempt: number
  /** Aborted when the worker drains. */
  signal: AbortSignal
}

export type Tasks = { [N in TaskName]?: (payload: TaskPayloads[N], context: TaskContext) => Promise<void> }

export interface ScheduledTask {
  task: TaskName
  /** Five-field crontab, UTC. */
  cron: string
}

export interface QueueDepth {
  waiting: number
  /** Attempts exhausted. */
  failed: number
  /** Seconds the oldest due job has waited; 0 when none is due. */
  oldestDueSeconds: number
}

export interface Jobs {
  enqueue<N extends TaskName>(tx: Tx | Db, task: N, payload: TaskPayloads[N], options?: EnqueueOptions): Promise<void>
  /** The call that enqueues, to be part of a larger statement. */
  enqueuing<N extends TaskName>(task: N, payload: TaskPayloads[N], options?: EnqueueOptions): RawBuilder<unknown>
  /** Many jobs of one task in one statement, each with a key of its own. */
  enqueueAll<N extends TaskName>(
    tx: Tx | Db,
    task: N,
    jobs: { payload: TaskPayloads[N]; key: string }[],
    options?: Omit<EnqueueOptions, 'key'>,
  ): Promise<void>
  /** Removes the waiting jobs with these keys, where there are any. */
  cancel(tx: Tx | Db, keys: string[]): Promise<void>
  depth(): Promise<QueueDepth>
  /** Starts running tasks in this process. No task may be in two lanes. */
  start(lanes: Lane[], schedule: ScheduledTask[]): Promise<RunningJobs>
}

/** Tasks that wait only for each other, never for those of another lane. Each lane keeps one database connection. */
export interface Lane {
  tasks: Tasks
  /** Jobs at once. */
  concurrency: number
}

export interface RunningJobs {
  /**
   * Stops taking jobs and waits for those that run. What still runs after five seconds has its signal aborted; a job that
   * ends with an error after that is handed back as if it had not begun.
   */
  stop(): Promise<void>
}

export interface JobsLogger {
  error(fields: object, message: string): void
}

export async function migrateJobs(pool: pg.Pool): Promise<void> {
  await runMigrations({ pgPool: pool })
}

export function createJobs({ db, pool, log }: { db: Db; pool: pg.Pool; log: JobsLogger }): Jobs {
  return {
    async enqueue(tx, task, payload, options) {
      await sql`select ${addJob(task, payload, options)}`.execute(tx)
    },

    enqueuing: addJob,

    async enqueueAll(tx, task, all, options = {}) {
      if (all.length === 0) return
      await sql`select graphile_worker.add_job(
        ${task}::text,
        payload := job.payload::json,
        run_at := ${options.runAt ?? null}::timestamptz,
        max_attempts := ${options.maxAttempts ?? null}::integer,
        job_key := job.key,
        priority := ${options.priority ?? null}::integer
      ) from unnest(
        ${all.map(({ payload }) => JSON.stringify(payload))}::text[], ${all.map(({ key }) => key)}::text[]
      ) as job (payload, key)`.execute(tx)
    },

    async cancel(tx, keys) {
      if (keys.length === 0) return
      await sql`select graphile_worker.remove_job(key) from unnest(${keys}::text[]) as key`.execute(tx)
    },

    async depth() {
      const { rows } = await sql<{ waiting: number; failed: number; age: number | null }>`
        select count(*) filter (where attempts < max_attempts)::int as waiting,
               count(*) filter (where attempts >= max_attempts)::int as failed,
               extract(epoch from now() - min(run_at) filter (where run_at <= now() and attempts < max_attempts))::float8 as age
        from graphile_worker.jobs`.execute(db)
      const row = rows[0]
      return { waiting: row?.waiting ?? 0, failed: row?.failed ?? 0, oldestDueSeconds: Math.max(0, row?.age ?? 0) }
    },

    async start(lanes, schedule) {
      const running = await Promise.all(
        lanes.map((lane, index) => startLane({ pool, log }, lane, index === 0 ? schedule : [])),
      )
      const liveness = await showLiveness(
        pool,
        running.map((lane) => lane.name),
        log,
      )
      const free = () =>
        freeAbandonedJobs(db).catch((error: unknown) => log.error({ err: error }, 'abandoned jobs could not be freed'))
      const timer = setInterval(free, 5_000)
      await free()
      return {
        async stop() {
          clearInterval(timer)
          const handedBack = await Promise.all(running.map((lane) => lane.stop()))
          await resetJobs(db, handedBack.flat())
          await liveness.stop()
        },
      }
    },
  }
}

function addJob(task: string, payload: unknown, options: EnqueueOptions = {}): RawBuilder<unknown> {
  return sql`graphile_worker.add_job(
    ${task}::text,
    payload := ${JSON.stringify(payload)}::json,
    run_at := ${options.runAt ?? null}::timestamptz,
    max_attempts := ${options.maxAttempts ?? null}::integer,
    job_key := ${options.key ?? null}::text,
    priority := ${options.priority ?? null}::integer
  )`
}

interface UnfinishedJob {
  id: string
  /** Of which the last was cut short. */
  attempts: number
}

interface RunningLane {
  /** Of the pool, as it stands in the jobs it has taken. */
  name: string
  /** Resolves when nothing of it runs any more, with the jobs that were cut short. */
  stop(): Promise<UnfinishedJob[]>
}

async function startLane(
  { pool, log }: { pool: pg.Pool; log: JobsLogger },
  { tasks, concurrency }: Lane,
  schedule: ScheduledTask[],
): Promise<RunningLane> {
  const unfinished: UnfinishedJob[] = []
  const taskList = Object.fromEntries(
    Object.entries(tasks).map(([name, task]) => [
      name,
      async (payload: unknown, { job, abortSignal }: { job: UnfinishedJob; abortSignal: AbortSignal }) => {
        try {
          const runTask = task as (payload: unknown, context: TaskContext) => Promise<void>
          await runTask(payload, { attempt: job.attempts, signal: abortSignal })
        } catch (error) {
          if (abortSignal.aborted) unfinished.push(job)
          else log.error({ err: error, task: name, attempt: job.attempts }, 'a job failed and will be tried again')
          throw error
        }
      },
    ]),
  )
  const events = new EventEmitter()
  const poolName = new Promise<string>((resolve) => {
    events.once('pool:create', ({ workerPool }: { workerPool: { id: string } }) => resolve(workerPool.id))
  })
  const runner: Runner = await run({
    pgPool: pool,
    concurrency,
    noHandleSignals: true,
    pollInterval: 2_000,
    taskList,
    crontab: schedule.map(({ task, cron }) => `${cron} ${task} ?max=3`).join('\n'),
    logger: quietLogger(log),
    events,
  })
  return {
    name: await poolName,
    async stop() {
      await runner.stop()
      return unfinished
    },
  }
}

/** Jobs that a drain cut short are due at once, and it counts as no attempt: a restart is nothing they did wrong. */
async function resetJobs(db: Db, jobs: UnfinishedJob[]): Promise<void> {
  if (jobs.length === 0) return
  await areLetGo(
    db,
    jobs.map(({ id }) => id),
  )
  await sql`
    select graphile_worker.reschedule_jobs(array[job.id], run_at := now(), attempts := job.attempts)
    from unnest(${jobs.map(({ id }) => id)}::bigint[], ${jobs.map(({ attempts }) => attempts - 1)}::integer[])
      as job (id, attempts)`.execute(db)
}

/** Milliseconds between two looks at jobs that are being let go, and for all of them. */
const letGo = { interval: 20, longest: 5_000 }

/** A runner that has stopped may still be writing down how its last jobs ended. */
async function areLetGo(db: Db, ids: string[]): Promise<void> {
  const deadline = Date.now() + letGo.longest
  while (Date.now() < deadline) {
    const { rows } = await sql`
      select from graphile_worker.jobs where id = any(${ids}::bigint[]) and locked_at is not null limit 1`.execute(db)
    if (rows.length === 0) return
    await delay(letGo.interval)
  }
}

/** graphile-worker logs each job; only its errors are ours to show, and failed jobs are logged above with their cause. */
function quietLogger(log: JobsLogger): Logger {
  return new Logger((scope) => (level, message, meta) => {
    if (level === 'error' && scope.jobId === undefined && meta?.failure !== true) log.error({ scope }, message)
  })
}
