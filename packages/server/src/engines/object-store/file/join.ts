/**
 * Joins parts into one file in a worker thread: one sequential pass that copies and hashes, beside the event loop. Memory
 * is one buffer per join, and only a few joins run at once, since the disk is what they wait for.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { createGate } from '../gate.ts'

export interface JoinTask {
  parts: { path: string; etag: string }[]
  /** Must not exist. It is flushed when the join succeeds, and the caller removes it when it fails. */
  target: string
}

export type JoinResult =
  | { outcome: 'joined'; sha256: Uint8Array }
  /** A part is not there, or is not the one that was listed. */
  | { outcome: 'changed'; path: string }
  | { outcome: 'failed'; error: { message: string; code?: string; syscall?: string } }

export type Join = (task: JoinTask) => Promise<{ outcome: 'joined'; sha256: Uint8Array } | { outcome: 'changed' }>

export function createJoin(): Join {
  const gate = createGate(Math.max(2, Math.min(4, availableParallelism())))
  return (task) =>
    gate(async () => {
      const result = await runWorker(task)
      if (result.outcome === 'failed') throw Object.assign(new Error(result.error.message), result.error)
      return result
    })
}

function runWorker(task: JoinTask): Promise<JoinResult> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./join-worker.ts', import.meta.url), {
      workerData: task,
      resourceLimits: { maxOldGenerationSizeMb: 64 },
    })
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new Error(`The thread that joins parts ended with ${code} and no result`)))
  })
}
