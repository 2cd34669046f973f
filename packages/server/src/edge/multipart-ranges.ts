/** Several ranges of one object as `multipart/byteranges` (RFC 9110 section 14.6), read one after the other. */
import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import type { ByteRange } from '../engines/object-store/object-store.ts'

export interface MultipartRanges {
  contentType: string
  /** Bytes of the whole body. */
  length: number
  /** Nothing is read before this. Destroying the stream ends the read that is open. */
  open(): Readable
}

export function multipartRanges(
  ranges: ByteRange[],
  { type, size }: { type: string; size: number },
  read: (range: ByteRange) => Promise<Readable>,
): MultipartRanges {
  const boundary = randomUUID()
  const heads = ranges.map(
    ({ start, end }, index) =>
      `${index === 0 ? '' : '\r\n'}--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: bytes ${start}-${end}/${size}\r\n\r\n`,
  )
  const tail = `\r\n--${boundary}--\r\n`

  async function* write() {
    for (const [index, range] of ranges.entries()) {
      yield Buffer.from(heads[index] ?? '')
      yield* await read(range)
    }
    yield Buffer.from(tail)
  }

  return {
    contentType: `multipart/byteranges; boundary=${boundary}`,
    length:
      ranges.reduce((sum, { start, end }) => sum + end - start + 1, 0) +
      heads.reduce((sum, head) => sum + head.length, tail.length),
    open: () => Readable.from(write(), { objectMode: false }),
  }
}
