/**
 * Sends a body out of readers, piece by piece through one buffer: the next piece is read when the system has taken the
 * last one. Buffers are lent out of a few large ones, and small ones made when those are all in use, so that memory is
 * bounded by the number of answers under way.
 */
import type { ServerResponse } from 'node:http'
import { type ByteReader, EndedEarly } from './byte-reader.ts'

/** Bytes as they are, or what reads them when it is their turn. */
export type Segment = Buffer | (() => Promise<ByteReader>)

export interface Buffers {
  /** At most `length` bytes long. */
  lend(length: number): Buffer
  giveBack(buffer: Buffer): void
}

const largeBuffer = 256 * 1024
const smallBuffer = 64 * 1024

/** @param count of large buffers; 32 of them are 8 MiB. */
export function createBuffers(count = 32): Buffers {
  const free: Buffer[] = []
  let made = 0
  return {
    lend(length) {
      if (length <= smallBuffer) return Buffer.allocUnsafe(length)
      const used = free.pop()
      if (used !== undefined) return used
      if (made >= count) return Buffer.allocUnsafeSlow(smallBuffer)
      made += 1
      return Buffer.allocUnsafeSlow(largeBuffer)
    },
    giveBack(buffer) {
      if (buffer.length === largeBuffer) free.push(buffer)
    },
  }
}

/**
 * Sends the segments, `length` bytes in all, after a header that was written, and ends the response. When the client goes
 * the open reader is closed at once and this returns. When a reader fails or ends early it throws, and the caller must
 * break the connection.
 */
export async function sendBody(
  response: ServerResponse,
  segments: Segment[],
  length: number,
  buffers: Buffers,
): Promise<void> {
  let open: ByteReader | null = null
  let wake: (() => void) | null = null
  const onClose = () => {
    wake?.()
    // What closing fails with, the loop below meets too.
    open?.close().catch(() => undefined)
  }
  response.once('close', onClose)
  // Its callback may never come once the connection is gone.
  const write = (bytes: Buffer) =>
    new Promise<void>((resolve) => {
      wake = resolve
      response.write(bytes, () => resolve())
    })

  const buffer = buffers.lend(length)
  let sent = 0
  try {
    for (const segment of segments) {
      if (Buffer.isBuffer(segment)) {
        await write(segment)
        sent += segment.length
        continue
      }
      open = await segment()
      try {
        for (let count = -1; count !== 0 && !response.closed; ) {
          count = await open.read(buffer)
          if (count > 0 && !response.closed) await write(buffer.subarray(0, count))
          sent += count
        }
      } finally {
        await open.close()
        open = null
      }
      if (response.closed) return
    }
    if (sent !== length) throw new EndedEarly(length, sent)
    response.end()
  } catch (error) {
    // A read that was ended for a client that has gone is no failure.
    if (!response.closed) throw error
  } finally {
    response.off('close', onClose)
    buffers.giveBack(buffer)
  }
}
