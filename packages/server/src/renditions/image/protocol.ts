/**
 * What the server and a decoding program say to each other over a pair of pipes: a frame is the length of its head
 * (4 bytes, little endian), the head as JSON, and then as many bytes as the head announces.
 */
import type { ImageSize } from '../media.ts'
import type { Answer } from './answer.ts'

export type ImageFormat = 'webp' | 'avif'

/** One piece of work; `size` bytes of the original follow. */
export interface Work {
  size: number
  /** As recorded for the upload. Only a hint: the program looks for itself. */
  contentType: string
  sizes: ImageSize[]
  formats: ImageFormat[]
  metadata: boolean
  /** Pixels that are decoded at most. */
  pixels: number
}

/** Longest head, bytes. */
export const headLimit = 256 * 1024

/** A head with its length before it. The bytes it announces are written after it, as they are. */
export function frameHead(head: Work | Answer): Buffer {
  const json = Buffer.from(JSON.stringify(head))
  const frame = Buffer.allocUnsafe(4 + json.length)
  frame.writeUInt32LE(json.length, 0)
  json.copy(frame, 4)
  return frame
}

export interface FrameReader {
  /** The head of the next frame; null at the end of the stream. */
  head(): Promise<unknown>
  /** Exactly so many bytes, in memory of their own. */
  bytes(size: number): Promise<Buffer>
}

/** Reads frames from a stream of chunks; throws when it ends in the middle of one. */
export function readFrames(chunks: AsyncIterable<Buffer>): FrameReader {
  const iterator = chunks[Symbol.asyncIterator]()
  let rest: Buffer = Buffer.alloc(0)

  async function bytes(size: number): Promise<Buffer> {
    const whole = Buffer.allocUnsafeSlow(size)
    let filled = 0
    while (true) {
      const taken = Math.min(rest.length, size - filled)
      rest.copy(whole, filled, 0, taken)
      rest = rest.subarray(taken)
      filled += taken
      if (filled === size) return whole
      const next = await iterator.next()
      if (next.done === true) throw new Error('The stream ended within a frame')
      rest = next.value
    }
  }

  return {
    bytes,
    async head() {
      while (rest.length === 0) {
        const next = await iterator.next()
        if (next.done === true) return null
        rest = next.value
      }
      const length = (await bytes(4)).readUInt32LE()
      if (length > headLimit) throw new Error(`A head of ${length} bytes`)
      return JSON.parse((await bytes(length)).toString('utf8'))
    },
  }
}
