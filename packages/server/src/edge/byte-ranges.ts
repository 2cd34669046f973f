/** The `Range` header of RFC 9110 section 14, for bytes. */
import type { ByteRange } from '../engines/object-store/object-store.ts'

/** More ranges than any player or download manager asks for; each costs a read of the store. */
const mostRanges = 16

/**
 * The parts of `size` bytes that are asked for, in ascending order, overlapping and touching ones joined.
 * `null` when the header is to be ignored and everything sent: absent, not understood, or asking for too much.
 * An empty list when nothing of what is asked for exists (416).
 */
export function parseRange(header: string | undefined, size: number): ByteRange[] | null {
  const list = /^bytes=(.*)$/i.exec(header ?? '')?.[1]
  if (list === undefined) return null
  const specs = list
    .split(',')
    .map((spec) => spec.trim())
    .filter((spec) => spec !== '')
  if (specs.length === 0 || specs.length > mostRanges) return null

  const ranges: ByteRange[] = []
  for (const spec of specs) {
    const found = /^(\d*)-(\d*)$/.exec(spec)
    const [, first = '', last = ''] = found ?? []
    if (found === null || (first === '' && last === '')) return null
    if (first !== '' && last !== '' && Number(last) < Number(first)) return null
    const range = first === '' ? lastBytes(Number(last), size) : { start: Number(first), end: endOf(last, size) }
    if (range.start <= range.end) ranges.push(range)
  }
  return join(ranges)
}

function lastBytes(count: number, size: number): ByteRange {
  // None of the last zero bytes exists.
  return { start: count === 0 ? size : Math.max(0, size - count), end: size - 1 }
}

function endOf(last: string, size: number): number {
  return last === '' ? size - 1 : Math.min(Number(last), size - 1)
}

/** Section 14.2 allows it, and it keeps anyone from being sent the same bytes many times. */
function join(ranges: ByteRange[]): ByteRange[] {
  const joined: ByteRange[] = []
  for (const range of ranges.sort((a, b) => a.start - b.start)) {
    const before = joined.at(-1)
    if (before !== undefined && range.start <= before.end + 1) before.end = Math.max(before.end, range.end)
    else joined.push({ ...range })
  }
  return joined
}
