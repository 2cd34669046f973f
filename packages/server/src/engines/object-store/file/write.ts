/**
 * Streams a body into a new file, durable when it returns. This is the hot path of every upload through this server, and
 * with a thousand clients at once both its processor time and its memory count: chunks are taken as they come, without a
 * pipeline and without a promise each, gathered, and handed to one `writev` in batches. The next batch gathers while one
 * is being written; a body that is faster than the disk is paused. The more bodies, the smaller their batches.
 *
 * The body is never destroyed here, so that its owner can still answer on the same connection. After a failure it is
 * left paused.
 */
import { close, fstat, fsync, open, type Stats, writev } from 'node:fs'
import { unlink } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { type BodyExpectation, createBodyCheck } from '../body-check.ts'
import { ObjectStoreError } from '../object-store.ts'

const openFile = promisify(open)
const syncFile = promisify(fsync)
const statFile: (fd: number) => Promise<Stats> = promisify(fstat)
const closeFile = promisify(close)

/** Bytes that all bodies of a store may gather together, roughly; each has a batch that gathers and one being written. */
const gatheredMemory = 96 * 1024 * 1024
const smallestBatch = 64 * 1024
const largestBatch = 1024 * 1024

export interface WrittenFile {
  stats: Stats
  sha256: Uint8Array
}

export interface FileWriter {
  /**
   * Writes and flushes `path`, which must not exist; on any failure it is gone again. Throws the body's own error when
   * the body fails, the signal's reason when it aborts, and what `BodyCheck` throws.
   */
  write(path: string, body: Readable, options: BodyExpectation & { signal?: AbortSignal }): Promise<WrittenFile>
}

export function createFileWriter(): FileWriter {
  let active = 0
  const batchSize = () => Math.max(smallestBatch, Math.min(largestBatch, gatheredMemory / (2 * active)))

  async function fill(fd: number, body: Readable, options: BodyExpectation & { signal?: AbortSignal }) {
    const check = createBodyCheck(options)
    await pump(fd, body, { onChunk: check.add, batchSize, signal: options.signal })
    const { sha256 } = check.finish()
    await syncFile(fd)
    return { stats: await statFile(fd), sha256 }
  }

  return {
    async write(path, body, options) {
      active += 1
      try {
        const fd = await openFile(path, 'wx')
        try {
          return await fill(fd, body, options)
        } catch (error) {
          await unlink(path)
          throw error
        } finally {
          await closeFile(fd)
        }
      } finally {
        active -= 1
      }
    },
  }
}

interface PumpOptions {
  /** Sees each chunk first; what it throws ends the write. */
  onChunk(chunk: Uint8Array): void
  /** Bytes to gather before writing. */
  batchSize(): number
  signal: AbortSignal | undefined
}

/** Settles only when no write is under way, so that the caller may close the file. */
function pump(fd: number, body: Readable, { onChunk, batchSize, signal }: PumpOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    let batch: Uint8Array[] = []
    let batchBytes = 0
    let isWriting = false
    let isPaused = false
    let outcome: { error: unknown } | 'ended' | null = null

    const settle = (result: { error: unknown } | 'ended') => {
      // After the last byte came, only a write that fails can still change the outcome.
      if (outcome !== null && (outcome !== 'ended' || result === 'ended')) return
      outcome = result
      body.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onError)
      signal?.removeEventListener('abort', onAbort)
      if (result !== 'ended') {
        // Its error was passed on once; another that follows must not end the process.
        body.on('error', () => undefined)
        body.pause()
      }
      if (!isWriting) next()
    }
    const onData = (chunk: unknown) => {
      try {
        if (!(chunk instanceof Uint8Array)) throw new TypeError('A body must be a stream of bytes')
        onChunk(chunk)
        batch.push(chunk)
        batchBytes += chunk.byteLength
      } catch (error) {
        settle({ error })
        return
      }
      if (batchBytes < batchSize()) return
      if (isWriting) {
        isPaused = true
        body.pause()
      } else flush()
    }
    const onEnd = () => settle('ended')
    const onError = (error: unknown) => settle({ error })
    const onClose = () => settle({ error: body.errored ?? new ObjectStoreError('size-mismatch', 'The body broke off') })
    const onAbort = () => settle({ error: signal?.reason })

    const flush = () => {
      const [chunks, bytes] = [batch, batchBytes]
      batch = []
      batchBytes = 0
      isWriting = true
      writeAll(fd, chunks, bytes, (error) => {
        if (error !== null) settle({ error })
        isWriting = false
        next()
      })
    }
    /** What comes after a write, or after the end when none is under way. */
    const next = () => {
      if (outcome === null) {
        if (batchBytes >= batchSize()) flush()
        if (isPaused) {
          isPaused = false
          body.resume()
        }
      } else if (outcome !== 'ended') reject(outcome.error)
      else if (batchBytes > 0) flush()
      else resolve()
    }

    if (signal?.aborted === true) return onAbort()
    if (body.readableEnded) return onEnd()
    if (body.destroyed) return onClose()
    signal?.addEventListener('abort', onAbort)
    body.on('end', onEnd).on('close', onClose).on('error', onError).on('data', onData)
  })
}

/** `writev(2)` may write less than it was given: the rest is tried again, which also brings out why. */
function writeAll(fd: number, chunks: Uint8Array[], bytes: number, done: (error: Error | null) => void): void {
  writev(fd, chunks, (error, written) => {
    if (error !== null) return done(error)
    if (written === bytes) return done(null)
    writeAll(fd, withoutFirst(chunks, written), bytes - written, done)
  })
}

function withoutFirst(chunks: Uint8Array[], bytes: number): Uint8Array[] {
  const rest: Uint8Array[] = []
  let skip = bytes
  for (const chunk of chunks) {
    if (skip < chunk.byteLength) rest.push(skip > 0 ? chunk.subarray(skip) : chunk)
    skip = Math.max(0, skip - chunk.byteLength)
  }
  return rest
}
