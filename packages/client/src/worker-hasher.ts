/**
 * The hasher off the page's thread: `serveHashing` in the worker (`hash-worker.ts` is that worker), `createWorkerHasher`
 * on the page. Blobs are passed by reference, so no bytes are copied between the threads.
 */
import { createWasmHasher, type DigestAlgorithm, type Hasher } from './hashing.ts'

interface Job {
  id: number
  algorithm: DigestAlgorithm
  blob: Blob
}

type Report =
  | { id: number; bytes: number }
  | { id: number; digest: Uint8Array }
  /** `name` is that of the error, such as `NotReadableError` of a file that went away. */
  | { id: number; failure: { name: string; message: string } }
  /** Said by nobody: the worker is gone. */
  | { id: number; broken: true }

export interface HashingPort {
  postMessage(message: unknown): void
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void
  /** The worker could not be loaded or broke down. */
  addEventListener(type: 'error', listener: () => void): void
}

/** Answers hash jobs that arrive at `port`; a worker's own scope. */
export function serveHashing(port: HashingPort): void {
  const hasher = createWasmHasher()
  const running = new Map<number, AbortController>()
  port.addEventListener('message', ({ data }: MessageEvent<Job | { id: number; cancel: true }>) => {
    if ('cancel' in data) return running.get(data.id)?.abort()
    const { id, algorithm, blob } = data
    const controller = new AbortController()
    running.set(id, controller)
    hasher
      .digest(algorithm, blob, {
        signal: controller.signal,
        onProgress: (bytes) => port.postMessage({ id, bytes }),
      })
      .then(
        (digest) => port.postMessage({ id, digest }),
        (error: unknown) => port.postMessage({ id, failure: describe(error) }),
      )
      .finally(() => running.delete(id))
  })
}

function describe(error: unknown): { name: string; message: string } {
  return error instanceof Error
    ? { name: error.name, message: error.message }
    : { name: 'Error', message: String(error) }
}

/**
 * A hasher that gives its work to `worker`. What is not a Blob is hashed by `fallback`, on this thread; so is everything when
 * the worker cannot be loaded, which is slow but better than an upload that never begins.
 */
export function createWorkerHasher(worker: HashingPort, fallback: Hasher = createWasmHasher()): Hasher {
  const waiting = new Map<number, (report: Report) => void>()
  let lastId = 0
  let isBroken = false
  worker.addEventListener('message', ({ data }: MessageEvent<Report>) => waiting.get(data.id)?.(data))
  worker.addEventListener('error', () => {
    isBroken = true
    for (const [id, tell] of waiting) tell({ id, broken: true })
  })
  return {
    digest(algorithm, slice, options = {}) {
      if (isBroken || !(slice instanceof Blob)) return fallback.digest(algorithm, slice, options)
      const { signal, onProgress } = options
      const id = ++lastId
      return new Promise<Uint8Array>((resolve, reject) => {
        const cancel = () => {
          worker.postMessage({ id, cancel: true })
          settle(() => reject(signal?.reason))
        }
        const settle = (finish: () => void) => {
          waiting.delete(id)
          signal?.removeEventListener('abort', cancel)
          finish()
        }
        if (signal?.aborted === true) return reject(signal.reason)
        signal?.addEventListener('abort', cancel)
        waiting.set(id, (report) => {
          if ('bytes' in report) onProgress?.(report.bytes)
          else if ('digest' in report) settle(() => resolve(report.digest))
          else if ('failure' in report) settle(() => reject(toError(report.failure)))
          else settle(() => resolve(fallback.digest(algorithm, slice, options)))
        })
        worker.postMessage({ id, algorithm, blob: slice })
      })
    },
  }
}

function toError({ name, message }: { name: string; message: string }): Error {
  return Object.assign(new Error(message), { name })
}
