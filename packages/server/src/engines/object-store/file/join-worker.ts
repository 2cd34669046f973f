/** The thread behind `join.ts`: copies the parts into the target, hashes, flushes, posts one `JoinResult` and ends. */
import { createHash } from 'node:crypto'
import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { isMissing } from './errors.ts'
import { etagOf } from './info.ts'
import type { JoinResult, JoinTask } from './join.ts'

const bufferSize = 1024 * 1024

function joinParts({ parts, target }: JoinTask): JoinResult {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafeSlow(bufferSize)
  const output = openSync(target, 'wx')
  try {
    for (const part of parts) {
      const input = openPart(part.path)
      if (input === null) return { outcome: 'changed', path: part.path }
      try {
        if (etagOf(fstatSync(input)) !== part.etag) return { outcome: 'changed', path: part.path }
        for (let read = readSync(input, buffer); read > 0; read = readSync(input, buffer)) {
          const chunk = buffer.subarray(0, read)
          hash.update(chunk)
          for (let written = 0; written < read; ) written += writeSync(output, chunk, written)
        }
      } finally {
        closeSync(input)
      }
    }
    fsyncSync(output)
    return { outcome: 'joined', sha256: hash.digest() }
  } finally {
    closeSync(output)
  }
}

function openPart(path: string): number | null {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

function run(task: JoinTask): JoinResult {
  try {
    return joinParts(task)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    // The class of an error does not survive the way between threads; what the caller maps does.
    const { code, syscall } = error as NodeJS.ErrnoException
    return {
      outcome: 'failed',
      error: { message: error.message, ...(code && { code }), ...(syscall && { syscall }) },
    }
  }
}

parentPort?.postMessage(run(workerData as JoinTask))
