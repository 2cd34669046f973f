/** Jobs of assets: `asset:purge`, when the time in the trash is over. Their making is in `renditions/`. */
import type { Tasks } from '../engines/jobs/jobs.ts'
import { jobAttempt } from '../history/index.ts'
import { type ChangeContext, purgeTrashed } from './change.ts'

declare module '../engines/jobs/jobs.ts' {
  interface TaskPayloads {
    'asset:purge': { assetId: string }
  }
}

export function assetTasks(context: ChangeContext): Pick<Tasks, 'asset:purge'> {
  return {
    'asset:purge': ({ assetId }, { attempt }) => purgeTrashed(context, jobAttempt(null, attempt), assetId),
  }
}
