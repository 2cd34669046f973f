/**
 * Reading a range piece by piece into a buffer of the caller's. A stream would make a new buffer for each piece and never
 * know when it may be used again; sending a 5 MB file costs three times as much that way.
 */
import type { FileHandle } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { storing } from '../engines/object-store/file/errors.ts'
import { type ByteRange, ObjectStoreError } from '../engines/object-store/object-store.ts'

export interface ByteReader {
  /** Bytes put at the start of `into`, some or all that fit; 0 at the end. One call at a time. */
  read(into: Buffer): Promise<number>
  /** Ends everything that only this reader needed, also while it is waited for. May be repeated. */
  close(): Promise<void>
}

/** Closes the file when it is closed. */
export function readFileRange(handle: FileHandle, { start, end }: ByteRange): ByteReader {
  let position = start
  return {
    async read(into) {
      const wanted = Math.min(into.length, end - position + 1)
      if (wanted === 0) return 0
      const { bytesRead } = await storing(() => handle.read(into, 0, wanted, position))
      position += bytesRead
      return bytesRead
    },
    close: () => handle.close(),
  }
}

export function readStream(body: Readable): ByteReader {
  // It may fail between two reads. The next one says so.
  body.on('error', () => undefined)
  const chunks: AsyncIterator<Buffer> = body[Symbol.asyncIterator]()
  let rest: Buffer = Buffer.alloc(0)
  return {
    async read(into) {
      while (rest.length === 0) {
        const { done, value } = await chunks.next()
        if (done === true) return 0
        rest = value
      }
      const count = rest.copy(into)
      rest = rest.subarray(count)
      return count
    },
    async close() {
      body.destroy()
    },
  }
}

/** Fails with `unavailable` when fewer bytes come. */
export async function readAll(reader: ByteReader, size: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(size)
  try {
    for (let filled = 0; filled < size; ) {
      const count = await reader.read(bytes.subarray(filled))
      if (count === 0) throw new EndedEarly(size, filled)
      filled += count
    }
    return bytes
  } finally {
    await reader.close()
  }
}

export class EndedEarly extends ObjectStoreError {
  constructor(expected: number, got: number) {
    super('unavailable', `${got} of ${expected} bytes came from the store`)
  }
}
