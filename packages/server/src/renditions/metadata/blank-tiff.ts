/** Takes out of a TIFF, in place, what tells a place: entries leave their directory and their values become zeros. */
import { latin1, type Stretch, startsWith } from './bytes.ts'
import { placesInIfd, readAppleNote } from './exif.ts'
import { type Entry, type Ifd, readTiff, type Tiff, tags } from './tiff.ts'
import { pictureData } from './tiff-parts.ts'

/** The whole file a DNG was made from, compressed. */
const originalRaw = 0xc68c

/**
 * @param raw Of a RAW file. Its maker note is kept, since developing needs it; in a picture anyone can see without, a
 *   note of unpublished form is emptied.
 * @param exif Where it lies, when it is the EXIF of a picture and no file of its own: bytes in it that nothing points to are
 *   what an editor left behind, and are emptied.
 * @returns False when there is something that cannot be cleaned.
 */
export function blankTiff(bytes: Uint8Array, tiff: Tiff, raw: boolean, exif: Stretch | null): boolean {
  const isDng = tiff.ifds.some(({ entries }) => entries.some(({ tag }) => tag === tags.dngVersion))
  const keepNote = raw && !isDng
  const make = tiff.ifds[0]?.entries.find(({ tag }) => tag === tags.make)?.value
  const maker = make === undefined ? '' : latin1(bytes, make.start, make.end)
  for (const ifd of tiff.ifds) {
    if (ifd.kind === 'gps') continue
    if (ifd.entries.some(({ tag }) => tag === originalRaw)) return false
    const unwanted = new Set(placesInIfd(bytes, tiff, ifd))
    for (const entry of ifd.entries) {
      if (entry.tag === tags.gpsIfd) unwanted.add(entry)
      else if (entry.tag === tags.dngPrivate && isDng) unwanted.add(entry)
      else if (entry.tag === tags.makerNote && readAppleNote(bytes, entry.value) === null) {
        if (!keepNote) unwanted.add(entry)
        else if (!blankRawNote(bytes, entry.value, maker)) return false
      }
    }
    if (!dropEntries(bytes, tiff.littleEndian, ifd, unwanted)) return false
  }
  if (exif !== null)
    blankBetween(bytes, exif, [{ start: exif.start, end: exif.start + 8 }, ...usedBy(bytes, tiff, exif)])
  for (const ifd of tiff.ifds) {
    if (ifd.kind !== 'gps') continue
    for (const { value } of ifd.entries) bytes.fill(0, value.start, value.end)
    const last = ifd.entries.at(-1)
    bytes.fill(0, ifd.at, last === undefined ? ifd.at + 2 : last.at + 12)
  }
  return true
}

/** The entries behind move up, with the offset of the next directory that follows them. */
function dropEntries(bytes: Uint8Array, littleEndian: boolean, ifd: Ifd, unwanted: Set<Entry>): boolean {
  if (unwanted.size === 0) return true
  // Of a directory that is cut off nobody can tell what others read in it.
  if (ifd.entries.length !== ifd.count) return false
  for (const { value } of unwanted) bytes.fill(0, value.start, value.end)
  const entriesAt = ifd.at + 2
  const end = Math.min(entriesAt + ifd.count * 12 + 4, bytes.length)
  const kept = ifd.entries.filter((entry) => !unwanted.has(entry)).map(({ at }) => bytes.slice(at, at + 12))
  const next = bytes.slice(entriesAt + ifd.count * 12, end)
  const count = [kept.length & 0xff, kept.length >> 8]
  bytes.set(littleEndian ? count : count.toReversed(), ifd.at)
  bytes.fill(0, entriesAt, end)
  for (const [index, entry] of kept.entries()) bytes.set(entry, entriesAt + index * 12)
  bytes.set(next, entriesAt + kept.length * 12)
  return true
}

function* usedBy(bytes: Uint8Array, tiff: Tiff, exif: Stretch): Generator<Stretch> {
  for (const ifd of tiff.ifds) {
    yield { start: ifd.at, end: ifd.at + 2 + ifd.count * 12 + 4 }
    for (const { value } of ifd.entries) yield value
    yield* pictureData(bytes, tiff, ifd, exif)
  }
}

function blankBetween(bytes: Uint8Array, whole: Stretch, used: Stretch[]): void {
  let at = whole.start
  for (const { start, end } of used.toSorted((a, b) => a.start - b.start)) {
    if (start > at) bytes.fill(0, at, Math.min(start, whole.end))
    at = Math.max(at, end)
  }
  if (at < whole.end) bytes.fill(0, at, whole.end)
}

const nikonLocation = 0x0039

/** Of the makers whose RAW is read here: Canon and Sony keep no place in their notes, Nikon the names of some. */
function blankRawNote(bytes: Uint8Array, note: Stretch, maker: string): boolean {
  if (/^(?:canon|sony)/i.test(maker)) return true
  if (!startsWith(bytes, note.start, 'Nikon\0')) return false
  const inner = readTiff(bytes, { start: note.start + 10, end: note.end })
  if (inner === null || inner.incomplete) return false
  for (const { entries } of inner.ifds) {
    for (const { tag, value } of entries) if (tag === nikonLocation) bytes.fill(0, value.start, value.end)
  }
  return true
}
