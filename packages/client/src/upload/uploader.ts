/**
 * Uploads many files at once: hashing of the next ones overlaps with the transfer of the present ones, and all of them share
 * one adaptive limit of parts, one memory of bad endpoints and one memory of unfinished uploads.
 */
import { createWasmHasher, type Hasher } from '../hashing.ts'
import { createEndpointMemory } from './endpoints.ts'
import type { AddOptions } from './file-upload.ts'
import { createAdaptiveLimiter } from './limiter.ts'
import type { PartEngine } from './put-part.ts'
import { createMemoryResumeStore, type ResumeStore } from './resume.ts'
import { defaultRetryPolicy, type RetryPolicy } from './retry.ts'
import { createSlots } from './slots.ts'
import type { UploadSource } from './source.ts'
import { createTask, type UploadTask } from './task.ts'
import { createBrowserTransport, type PutTransport } from './transport.ts'
import type { UploadClient } from './upload-client.ts'

export interface UploaderOptions {
  client: UploadClient
  /**
   * `files` transferred at once (4); `parts` put at once at most, over all files (8); `hashing` files read for their hash
   * at once (2: one after the other, without a gap between them, so that the first is soon on its way).
   */
  concurrency?: { files?: number; parts?: number; hashing?: number }
  hasher?: Hasher
  transport?: PutTransport
  /** Remembers unfinished uploads; in memory only when absent. */
  resumeStore?: ResumeStore
  retry?: Partial<RetryPolicy>
  /** Seconds without progress after which an attempt is given up and repeated; 30 when absent. */
  stallTimeout?: number
  /** Milliseconds from any fixed moment; `performance.now` when absent. */
  now?: () => number
}

export interface Uploader {
  /** Starts as soon as there is room. */
  add(source: UploadSource, options?: AddOptions): UploadTask
  /** Parts that may be put at once right now. */
  readonly partLimit: number
}

export function createUploader(options: UploaderOptions): Uploader {
  const files = options.concurrency?.files ?? 4
  const parts = options.concurrency?.parts ?? 8
  const now = options.now ?? (() => performance.now())
  const limiter = createAdaptiveLimiter({ initial: Math.min(4, parts), max: parts, now })
  const engine: PartEngine = {
    transport: options.transport ?? createBrowserTransport(),
    hasher: options.hasher ?? createWasmHasher(),
    endpoints: createEndpointMemory(now),
    limiter,
    policy: { ...defaultRetryPolicy, ...options.retry },
    stallMs: (options.stallTimeout ?? 30) * 1000,
    now,
  }
  const dependencies = {
    client: options.client,
    engine,
    resumeStore: options.resumeStore ?? createMemoryResumeStore(),
    // As many files again are hashed ahead, so that a transfer never waits for a hash and the disk is not read in vain.
    openFiles: createSlots(files * 2),
    hashing: createSlots(options.concurrency?.hashing ?? 2),
    transfers: createSlots(files),
    workers: parts,
  }
  return {
    add: (source, addOptions = {}) => createTask(source, addOptions, dependencies),
    get partLimit() {
      return limiter.limit
    },
  }
}
