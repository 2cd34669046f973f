/** What every part of the renditions is given by the composition, and the rows they work on. */
import type { Selectable } from 'kysely'
import type { Db, Tx } from '../engines/database/database.ts'
import type { AssetTable, RenditionTable } from '../engines/database/schema.ts'
import type { Fault } from '../engines/faults/faults.ts'
import type { Jobs } from '../engines/jobs/jobs.ts'
import type { ObjectStore } from '../engines/object-store/index.ts'
import type { ImageDecoder } from './image/index.ts'
import type { IsolatedFiles } from './isolated-files/isolated-files.ts'
import type { VideoDecoder } from './video/index.ts'

export type AssetRow = Selectable<AssetTable>
export type RenditionRow = Selectable<RenditionTable>

export interface RenditionContext {
  db: Db
  store: ObjectStore
  jobs: Jobs
  images: ImageDecoder
  videos: VideoDecoder
  files: IsolatedFiles
  /** Folder for what running jobs write, one below it for each. */
  scratch: string
  /** Whether AVIF is made too. */
  avif: boolean
  /** Seconds within which the URL of a file stays the same. */
  deliveryBucket: number
  now: () => Date
  fault: Fault
  log: { warn(fields: object, message: string): void }
  /** Of the assets: the original is gone from the store. */
  markLost(asset: AssetRow, attempt: number): Promise<void>
}

/** One run of a job. */
export interface Run {
  /** From 1. */
  attempt: number
  /** Bulk work gives way to what somebody waits for. */
  priority: 'interactive' | 'bulk'
  signal: AbortSignal
}

export type { Tx }
