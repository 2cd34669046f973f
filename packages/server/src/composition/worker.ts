/** The worker role: decoders, and every task with the lane it runs in. */
import { join } from 'node:path'
import { accountTasks } from '../accounts/index.ts'
import { assetTasks, markLost } from '../assets/index.ts'
import type { RunningJobs, Tasks } from '../engines/jobs/jobs.ts'
import { createSandbox } from '../engines/sandbox/sandbox.ts'
import { eventTasks } from '../events/index.ts'
import { forgetIdempotencyKeys } from '../http/idempotency.ts'
import { giveUpObjects, purgeTasks } from '../purge/index.ts'
import {
  createImageDecoder,
  createIsolatedFiles,
  createLazyVideoDecoder,
  type RenditionContext,
  renditionLanes,
  renditionTasks,
  sweepScratch,
} from '../renditions/index.ts'
import { timelineTasks } from '../timeline/index.ts'
import { uploadTasks, uppyTasks } from '../uploads/index.ts'
import { startWorker } from '../worker/worker.ts'
import type { Domains } from './domains.ts'

export async function workerRole(domains: Domains): Promise<RunningJobs> {
  const { config, log, db, store, jobs, now, fault, uploadContext, changes } = domains
  const scratch = join(config.dataDir, 'scratch')
  await sweepScratch(scratch, log)
  const sandbox = await createSandbox()
  if (sandbox.strength.missing !== null)
    log.warn({ missing: sandbox.strength.missing }, 'decoders are not fully isolated')
  const images = createImageDecoder({ sandbox, processes: config.imageConcurrency, log })
  const renditions: RenditionContext = {
    db,
    store,
    jobs,
    images,
    videos: createLazyVideoDecoder({ sandbox, searchPath: config.searchPath }),
    files: createIsolatedFiles({ sandbox, log }),
    scratch,
    avif: config.avif === 'on',
    deliveryBucket: config.deliveryBucket,
    now,
    fault,
    log,
    markLost: async (asset, attempt) => void (await markLost(db, asset, 'original-missing', attempt)),
  }
  const tasks: Tasks = {
    ...uploadTasks(uploadContext),
    ...uppyTasks(uploadContext),
    ...purgeTasks({ db, store, jobs, now, fault }),
    ...assetTasks(changes),
    ...renditionTasks(renditions),
    ...accountTasks({ db, giveUpObjects: (tx, objects) => giveUpObjects(jobs, tx, objects) }),
    ...eventTasks({ db }),
    ...timelineTasks({ db }),
    'housekeeping:tidy': () => forgetIdempotencyKeys(db),
  }
  const running = await startWorker({
    jobs,
    tasks,
    concurrency: config.workerConcurrency,
    lanes: renditionLanes(renditions, { images: config.imageConcurrency, videos: config.videoConcurrency }),
  })
  // What fell due while nothing ran need not wait for the full hour.
  await jobs.enqueue(db, 'uploads:expire', {}, { key: 'uploads:expire' })
  await jobs.enqueue(db, 'objects:sweep', {}, { key: 'objects:sweep' })
  return {
    async stop() {
      await running.stop()
      await images.close()
    },
  }
}
