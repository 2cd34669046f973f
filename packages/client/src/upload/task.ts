/**
 * The life of one upload as the application sees it: waiting, running, paused, over. It can be paused and resumed at any
 * moment, also after it failed; what the server has is not sent again.
 */
import {
  type AddOptions,
  createFileUpload,
  type UploadDependencies,
  type UploadPhase,
  type UploadSuccess,
} from './file-upload.ts'
import type { Slots } from './slots.ts'
import type { UploadSource } from './source.ts'
import { createSpeedMeter } from './speed.ts'

export type UploadOutcome = UploadSuccess | { state: 'failed'; error: unknown } | { state: 'cancelled' }

export type TaskState = 'queued' | UploadPhase | 'paused' | UploadOutcome['state']

export interface UploadProgress {
  state: TaskState
  /** Bytes, all of them. */
  size: number
  hashedBytes: number
  /** Bytes that the store has or that are on their way. */
  uploadedBytes: number
  /** Bytes that were sent since the task was added; those of an earlier page or program do not count. */
  sentBytes: number
  bytesPerSecond: number
  /** Seconds; null while nothing moves. */
  secondsLeft: number | null
}

export interface UploadTask {
  readonly source: UploadSource
  /** Of the upload on the server, once there is one. */
  readonly uploadId: string | null
  /** How it ended. Never rejects. After `resume()` of a failed task it is a new promise. */
  readonly done: Promise<UploadOutcome>
  progress(): UploadProgress
  /** Called at each change of state, and of bytes at most ten times a second. Returns the function that ends it. */
  subscribe(listener: (progress: UploadProgress) => void): () => void
  /** Keeps what is stored. Resolves when nothing is on its way any more. Does nothing when the task is over. */
  pause(): Promise<void>
  /** Goes on after `pause()`, or tries again after a failure. */
  resume(): void
  /** Ends the upload here and on the server. An upload that is completed stays. */
  cancel(): Promise<void>
}

export interface TaskDependencies extends UploadDependencies {
  /** Places for files that are hashed or further. */
  openFiles: Slots
}

const notifyEveryMs = 100

/** The run was ended from outside, by `pause` or `cancel`. */
class Interrupted extends Error {}

export function createTask(source: UploadSource, options: AddOptions, dependencies: TaskDependencies): UploadTask {
  const { now } = dependencies.engine
  const listeners = new Set<(progress: UploadProgress) => void>()
  const speed = createSpeedMeter(now)
  let state: TaskState = 'queued'
  let lastNotified = 0
  let outcome = Promise.withResolvers<UploadOutcome>()
  let interruption = new AbortController()
  let running: Promise<void> = Promise.resolve()

  const upload = createFileUpload(source, options, dependencies, {
    onPhase: enter,
    onBytes() {
      speed.update(upload.sentBytes)
      if (now() - lastNotified >= notifyEveryMs) notify()
    },
  })

  function enter(next: TaskState): void {
    state = next
    notify()
  }

  function notify(): void {
    lastNotified = now()
    for (const listener of listeners) listener(progress())
  }

  function progress(): UploadProgress {
    const uploadedBytes = state === 'completed' ? source.size : upload.uploadedBytes
    const bytesPerSecond = state === 'uploading' ? speed.bytesPerSecond : 0
    return {
      state,
      size: source.size,
      hashedBytes: upload.hashedBytes,
      uploadedBytes,
      sentBytes: upload.sentBytes,
      bytesPerSecond,
      secondsLeft: bytesPerSecond > 0 ? (source.size - uploadedBytes) / bytesPerSecond : null,
    }
  }

  function finish(result: UploadOutcome): void {
    enter(result.state)
    outcome.resolve(result)
  }

  async function execute(signal: AbortSignal): Promise<void> {
    try {
      const leave = await dependencies.openFiles.acquire(signal)
      try {
        finish(await upload.run(signal))
      } finally {
        leave()
      }
    } catch (error) {
      if (signal.reason instanceof Interrupted) return enter('paused')
      finish({ state: 'failed', error })
    }
  }

  function start(): void {
    interruption = new AbortController()
    const { signal } = interruption
    // A pause that is taken back at once still ends the earlier run first.
    running = running.then(() => execute(signal))
  }

  const isKept = () => state === 'completed' || state === 'duplicate' || state === 'restored'

  start()
  return {
    source,
    progress,
    get uploadId() {
      return upload.uploadId
    },
    get done() {
      return outcome.promise
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async pause() {
      if (isKept() || state === 'failed' || state === 'cancelled') return
      interruption.abort(new Interrupted('paused'))
      await running
    },
    resume() {
      if (state === 'failed') outcome = Promise.withResolvers<UploadOutcome>()
      else if (state === 'cancelled' || !interruption.signal.aborted) return
      state = 'queued'
      start()
    },
    async cancel() {
      if (isKept() || state === 'cancelled') return
      interruption.abort(new Interrupted('cancelled'))
      await running
      // It may have been completed in the last moment.
      if (isKept()) return
      finish({ state: 'cancelled' })
      await upload.abort()
    },
  }
}
