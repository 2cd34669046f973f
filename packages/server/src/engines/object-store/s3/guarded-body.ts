/**
 * A body on its way to S3: counted, hashed and held back at its end. The last chunk is passed on only when everything
 * before it was right, so a body of the wrong size or checksum never becomes an object, however the store is made.
 *
 * The source is paused, never destroyed: its owner can still answer on the same connection.
 */
import { Readable } from 'node:stream'
import { type BodyExpectation, createBodyCheck } from '../body-check.ts'
import { ObjectStoreError } from '../object-store.ts'

export interface GuardedBody {
  /** Fails with what was wrong: the body's own error, the signal's reason, or an `ObjectStoreError`. */
  stream: Readable
  /** Null until the last byte was passed on. */
  result(): { size: number; sha256: Uint8Array } | null
}

export interface GuardOptions extends BodyExpectation {
  signal?: AbortSignal
  /** Milliseconds in which the reader must take something when something is there; `unavailable` otherwise. */
  stallTimeout: number
}

const bufferedBytes = 64 * 1024

export function guardBody(source: Readable, options: GuardOptions): GuardedBody {
  const { signal, stallTimeout } = options
  const check = createBodyCheck(options)
  let held: Uint8Array | null = null
  let result: { size: number; sha256: Uint8Array } | null = null
  let lastRead = Date.now()

  const stream = new Readable({
    highWaterMark: bufferedBytes,
    read() {
      lastRead = Date.now()
      if (result === null) source.resume()
    },
    destroy(error, done) {
      release()
      done(error)
    },
  })

  const onData = (chunk: unknown) => {
    try {
      if (!(chunk instanceof Uint8Array)) throw new TypeError('A body must be a stream of bytes')
      check.add(chunk)
      if (held !== null && !stream.push(held)) source.pause()
      held = chunk
    } catch (error) {
      fail(error)
    }
  }
  const onEnd = () => {
    try {
      result = check.finish()
      if (held !== null) stream.push(held)
      stream.push(null)
    } catch (error) {
      fail(error)
    }
  }
  const onClose = () => {
    if (result === null) fail(source.errored ?? new ObjectStoreError('size-mismatch', 'The body broke off'))
  }
  const onAbort = () => fail(signal?.reason)
  const fail = (error: unknown) => {
    stream.destroy(error instanceof Error ? error : new Error(String(error)))
  }

  const watchdog = setInterval(() => {
    const isWaitingForSource = result === null && stream.readableLength === 0
    if (isWaitingForSource) lastRead = Date.now()
    else if (Date.now() - lastRead > stallTimeout) {
      fail(new ObjectStoreError('unavailable', `The object store took nothing for ${stallTimeout} ms`))
    }
  }, stallTimeout / 4)
  watchdog.unref()

  const release = () => {
    clearInterval(watchdog)
    source.off('data', onData).off('end', onEnd).off('close', onClose).off('error', fail)
    signal?.removeEventListener('abort', onAbort)
    if (result === null) {
      // Its error was passed on once; another that follows must not end the process.
      source.on('error', () => undefined)
      source.pause()
    }
  }

  if (signal?.aborted === true) onAbort()
  else if (source.readableEnded) onEnd()
  else if (source.destroyed) onClose()
  else {
    signal?.addEventListener('abort', onAbort)
    source.on('end', onEnd).on('close', onClose).on('error', fail).on('data', onData)
  }
  return { stream, result: () => result }
}
