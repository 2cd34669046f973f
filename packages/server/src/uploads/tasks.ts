/** Scheduled work on uploads: clearing what was never finished. */
import type { Tasks } from '../engines/jobs/jobs.ts'
import type { UploadContext } from './context.ts'
import { expireUploads, sweepMultiparts } from './end.ts'

declare module '../engines/jobs/jobs.ts' {
  interface TaskPayloads {
    /** Completes or expires uploads past their time, then aborts multiparts no row knows. Hourly and at the start. */
    'uploads:expire': Record<string, never>
  }
}

/** Seconds; between opening a multipart and writing its row lie milliseconds, so an hour is plenty. */
export const unknownMultipartAge = 3600

export function uploadTasks(context: UploadContext): Pick<Tasks, 'uploads:expire'> {
  return {
    async 'uploads:expire'(_payload, { signal }) {
      await expireUploads(context, signal)
      await sweepMultiparts(context, unknownMultipartAge, signal)
    },
  }
}
