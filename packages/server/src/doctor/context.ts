import type { Db } from '../engines/database/database.ts'
import type { Jobs } from '../engines/jobs/jobs.ts'
import type { ObjectStore } from '../engines/object-store/index.ts'
import type { Findings } from './findings.ts'

/** How far an examination is; `total` is null where only the end would tell. */
export interface Stage {
  name: 'list' | 'compare' | 'read'
  done: number
  total: number | null
}

/** What every part of an examination is given. */
export interface DoctorContext {
  db: Db
  store: ObjectStore
  jobs: Jobs
  now: () => Date
  findings: Findings
  /** Whether what is found is also mended. */
  repair: boolean
  onProgress(stage: Stage): void
  signal: AbortSignal
}
