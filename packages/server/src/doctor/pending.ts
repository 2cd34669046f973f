/** Work that is under way or waits for its time, which is no fault; and jobs that gave up, which are. */
import { sql } from 'kysely'
import { exhaustedJobs, retryJobs } from '../engines/jobs/exhausted.ts'
import type { DoctorContext } from './context.ts'

export interface PendingWork {
  /** Objects given up and not yet gone. */
  deletions: number
  /** Of these, kept on the list only until the last URL that could bring bytes back has died. */
  deletionsWatched: number
  /** Uploads that go on. */
  uploads: number
  /** Of these, past their time; the next hourly look completes or clears them. */
  uploadsExpired: number
  /** Assets that wait for a worker. */
  processing: number
  /** Of these, for more than an hour. */
  processingLong: number
  /** Jobs that are due or running. */
  jobs: number
}

const jobBatch = 500

export async function countPending({ db, now }: Pick<DoctorContext, 'db' | 'now'>): Promise<PendingWork> {
  const at = now()
  const { rows } = await sql<PendingWork>`
    select
      (select count(*) from object_deletion) as deletions,
      (select count(*) from object_deletion where sweep_until > ${at} and due_at > ${at}) as "deletionsWatched",
      (select count(*) from upload where state = 'uploading') as uploads,
      (select count(*) from upload where state = 'uploading' and expires_at < ${at}) as "uploadsExpired",
      (select count(*) from asset where state = 'processing') as processing,
      (select count(*) from asset where state = 'processing' and uploaded_at < ${at}::timestamptz - interval '1 hour')
        as "processingLong",
      (select count(*) from graphile_worker.jobs where attempts < max_attempts and (run_at <= now() or locked_at is not null))
        as jobs`.execute(db)
  const [pending] = rows
  if (pending === undefined) throw new Error('Postgres answered no row to a question that has one')
  return pending
}

export async function checkJobs(context: DoctorContext): Promise<void> {
  let last = '0'
  for (;;) {
    const jobs = await exhaustedJobs(context.db, last, jobBatch)
    const end = jobs.at(-1)
    if (end === undefined) return
    last = end.id
    const ids = jobs.map((job) => job.id)
    if (context.repair) await retryJobs(context.db, ids)
    for (const { id, task, attempts, error } of jobs) {
      context.findings.add({
        kind: 'job-exhausted',
        subject: id,
        detail: `${task} (job ${id}) failed ${attempts} times, the last time with: ${error?.split('\n', 1)[0] ?? 'no message'}`,
        repaired: context.repair,
      })
    }
  }
}

/** Brings what has waited long for a job back to one. Both tasks may run any number of times. */
export async function hurry({ db, jobs }: DoctorContext): Promise<void> {
  await jobs.enqueue(db, 'objects:sweep', {}, { key: 'objects:sweep' })
  let last = '00000000-0000-0000-0000-000000000000'
  for (;;) {
    const { rows } = await sql<{ id: string }>`
      select id from asset where state = 'processing' and uploaded_at < now() - interval '1 hour' and id > ${last}
      order by id limit ${jobBatch}`.execute(db)
    for (const { id } of rows) {
      await jobs.enqueue(db, 'asset:process-bulk', { assetId: id }, { key: `asset:process:${id}`, priority: 10 })
    }
    const end = rows.at(-1)
    if (end === undefined) return
    last = end.id
  }
}
