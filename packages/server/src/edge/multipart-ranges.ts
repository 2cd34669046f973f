/** Several ranges of one object as `multipart/byteranges` (RFC 9110 section 14.6), read one after the other. */
import { randomUUID } from 'node:crypto'
import type { ByteRange } from '../engines/object-store/object-store.ts'
import type { ByteReader } from './byte-reader.ts'
import type { Segment } from './send-body.ts'

export interface MultipartRanges {
  contentType: string
  /** Bytes of the whole body. */
  length: number
  segments: Segment[]
}

export function multipartRanges(
  ranges: ByteRange[],
  { type, size }: { type: string; size: number },
  open: (range: ByteRange) => Promise<ByteReader>,
): MultipartRanges {
  const boundary = randomUUID()
  const parts = ranges.map((range, index) => {
    const contentRange = `bytes ${range.start}-${range.end}/${size}`
    const before = index === 0 ? '' : '\r\n'
    const head = `${before}--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: ${contentRange}\r\n\r\n`
    return { head: Buffer.from(head), range }
  })
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`)
  return {
    contentType: `multipart/byteranges; boundary=${boundary}`,
    length: parts.reduce((sum, { head, range }) => sum + head.length + range.end - range.start + 1, tail.length),
    segments: [...parts.flatMap(({ head, range }): Segment[] => [head, () => open(range)]), tail],
  }
}
