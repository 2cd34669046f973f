/** The worker role: runs the tasks of every domain, and what has to happen every hour whoever asks. */
import type { Jobs, Lane, RunningJobs, ScheduledTask, Tasks } from '../engines/jobs/jobs.ts'

declare module '../engines/jobs/jobs.ts' {
  interface TaskPayloads {
    /** Small clearing that belongs to no domain: forgotten idempotency keys. */
    'housekeeping:tidy': Record<string, never>
  }
}

/** UTC. Those of each hour are spread over it, so that they do not meet. */
const schedule: ScheduledTask[] = [
  { task: 'uploads:expire', cron: '0 * * * *' },
  { task: 'objects:sweep', cron: '20 * * * *' },
  { task: 'housekeeping:tidy', cron: '40 * * * *' },
  { task: 'events:tidy', cron: '50 * * * *' },
  // What is not folded is summed by whoever looks: some thousand rows a minute while a library is uploaded.
  { task: 'timeline:fold', cron: '* * * * *' },
]

export interface WorkerDeps {
  jobs: Jobs
  /** What is done in a moment. */
  tasks: Tasks
  /** Of these. */
  concurrency: number
  /** What takes long, so that nothing waits behind it that belongs elsewhere. */
  lanes: Lane[]
}

export async function startWorker({ jobs, tasks, concurrency, lanes }: WorkerDeps): Promise<RunningJobs> {
  return jobs.start([{ tasks, concurrency }, ...lanes], schedule)
}
