/**
 * Streams a body into a new file, durable when it returns. This is the hot path of every upload through this server, and
 * with a thousand clients at once both its processor time and its memory count: chunks are taken as they come, without a
 * pipeline and without a promise each, gathered, and handed to one `writev` in batches. The next batch gathers while one
 * is being written; a body that is faster than the disk is paused. With many bodies they take turns (`turns.ts`).
 *
 * The chunks of an HTTP message are freed as soon as they are written. The body is never destroyed here, so that its
 * owner can still answer on the same connection; after a failure it is left paused.
 */
import { close, fstat, fsync, open, type Stats, writev } from 'node:fs'
import { unlink } from 'node:fs/promises'
import { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { type BodyExpectation, createBodyCheck } from '../body-check.ts'
import { ObjectStoreError } from '../object-store.ts'
import { createTurns } from './turns.ts'

const openFile = promisify(open)
const syncFile = promisify(fsync)
const statFile: (fd: number) => Promise<Stats> = promisify(fstat)
const closeFile = promisify(close)

/** Bodies read at once, and the bytes that each gathers before they are written: together 16 MiB at most. */
const turnsAtOnce = 24
const batchSize = 256 * 1024

/** Bytes that a body gathers while its batch is being written, as long as no other body waits. */
const overlapSize = 512 * 1024

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
  const turns = createTurns(turnsAtOnce)

  async function fill(fd: number, body: Readable, options: BodyExpectation & { signal?: AbortSignal }) {
    const check = createBodyCheck(options)
    await pump(fd, body, { onChunk: check.add, turns, signal: options.signal })
    const { sha256 } = check.finish()
    await syncFile(fd)
    return { stats: await statFile(fd), sha256 }
  }

  return {
    async write(path, body, options) {
      const fd = await openFile(path, 'wx')
      try {
        return await fill(fd, body, options)
      } catch (error) {
        await unlink(path)
        throw error
      } finally {
        await closeFile(fd)
      }
    },
  }
}

interface PumpOptions {
  /** Sees each chunk first; what it throws ends the write. */
  onChunk(chunk: Uint8Array): void
  turns: ReturnType<typeof createTurns>
  signal: AbortSignal | undefined
}

/** Settles only when no write is under way, so that the caller may close the file. */
function pump(fd: number, body: Readable, { onChunk, turns, signal }: PumpOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    let batch: Uint8Array[] = []
    let batchBytes = 0
    let isWriting = false
    let hasTurn = false
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
      if (!isWriting) proceed()
    }
    const onData = (chunk: unknown) => {
      try {
        if (!(chunk instanceof Uint8Array)) throw new TypeError('A body must be a stream of bytes')
        onChunk(chunk)
      } catch (error) {
        settle({ error })
        return
      }
      batch.push(chunk)
      batchBytes += chunk.byteLength
      turn.touch()
      if (!isWriting && batchBytes >= batchSize) flush()
      if (isWriting && (batchBytes >= overlapSize || turn.isCrowded())) body.pause()
    }
    const onEnd = () => settle('ended')
    const onError = (error: unknown) => settle({ error })
    const onClose = () => settle({ error: body.errored ?? new ObjectStoreError('size-mismatch', 'The body broke off') })
    const onAbort = () => settle({ error: signal?.reason })

    const flush = () => {
      const chunks = batch
      const bytes = batchBytes
      batch = []
      batchBytes = 0
      isWriting = true
      writeAll(fd, chunks, bytes, (error) => {
        if (error !== null) settle({ error })
        if (body instanceof IncomingMessage) free(chunks)
        isWriting = false
        turn.touch()
        proceed()
      })
    }
    /** What comes after a write, or after the end when none is under way. */
    const proceed = () => {
      if (outcome === null) {
        if (batchBytes >= batchSize) flush()
        else turn.pass()
        if (hasTurn) body.resume()
      } else if (outcome === 'ended' && batchBytes > 0) flush()
      else {
        turn.leave()
        if (outcome === 'ended') resolve()
        else reject(outcome.error)
      }
    }

    const turn = turns.join({
      go() {
        hasTurn = true
        body.resume()
      },
      halt() {
        hasTurn = false
        body.pause()
        if (!isWriting && batchBytes > 0) flush()
      },
      isWriting: () => isWriting,
    })
    if (signal?.aborted === true) return onAbort()
    if (body.readableEnded) return onEnd()
    if (body.destroyed) return onClose()
    signal?.addEventListener('abort', onAbort)
    body.on('end', onEnd).on('close', onClose).on('error', onError)
    // Without this the listener would start the flow before the turn has come.
    if (!hasTurn) body.pause()
    body.on('data', onData)
  })
}

/**
 * Gives memory back at once instead of leaving it to the garbage collector, which with a thousand bodies runs so often
 * that it costs a quarter of all processor time. Only for chunks that Node made for this message and gave to nobody else;
 * one that is part of a larger buffer stays.
 */
function free(chunks: Uint8Array[]): void {
  for (const { buffer, byteLength } of chunks) {
    if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
  }
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
