/**
 * The directories (IFDs) of TIFF 6.0, which EXIF and most RAW formats are. Every entry is told with where it and its
 * value lie in the file, so that one walk serves reading and blanking. Walks are bounded by entries, not by time.
 */
import { type Stretch, startsWith, u16, u32 } from './bytes.ts'

export type IfdKind = 'image' | 'sub' | 'exif' | 'gps' | 'interoperability' | 'maker'

export interface Entry {
  tag: number
  type: number
  count: number
  /** Where the 12 bytes of the entry lie. */
  at: number
  /** Where its value lies, in the entry itself when it fits in 4 bytes. Within the file. */
  value: Stretch
}

export interface Ifd {
  kind: IfdKind
  at: number
  /** As the file says; `entries` has those that lie within it. */
  count: number
  entries: Entry[]
}

export interface Tiff {
  littleEndian: boolean
  ifds: Ifd[]
  /** True when it says more than is read. */
  incomplete: boolean
}

const bytesOfType = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4]

/** TIFF, and the names Olympus (`RO`, `RS`) and Panasonic (`U`) give to theirs. */
const magics = new Set([42, 0x4f52, 0x5352, 0x55])

const maxIfds = 64
const maxEntries = 4096

export const tags = {
  make: 0x010f,
  model: 0x0110,
  subIfds: 0x014a,
  xmp: 0x02bc,
  iptc: 0x83bb,
  photoshop: 0x8649,
  exifIfd: 0x8769,
  gpsIfd: 0x8825,
  makerNote: 0x927c,
  interoperabilityIfd: 0xa005,
  dngVersion: 0xc612,
  dngPrivate: 0xc634,
} as const

/** The directories of the TIFF in `range`; null when it is none. Offsets in TIFF count from `range.start`. */
export function readTiff(bytes: Uint8Array, range: Stretch): Tiff | null {
  const littleEndian = startsWith(bytes, range.start, 'II')
  if (!littleEndian && !startsWith(bytes, range.start, 'MM')) return null
  if (!magics.has(u16(bytes, range.start + 2, littleEndian))) return null
  const tiff: Tiff = { littleEndian, ifds: [], incomplete: false }
  const waiting: { kind: IfdKind; offset: number }[] = [
    { kind: 'image', offset: u32(bytes, range.start + 4, littleEndian) },
  ]
  const seen = new Set<number>()
  let entriesLeft = maxEntries
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    if (next.offset === 0 || seen.has(next.offset)) continue
    if (tiff.ifds.length === maxIfds || entriesLeft === 0) {
      tiff.incomplete = true
      break
    }
    seen.add(next.offset)
    const ifd = readIfd(bytes, range, range.start, next.offset, littleEndian, next.kind, entriesLeft)
    if (ifd === null) continue
    if (ifd.entries.length === entriesLeft && ifd.count > entriesLeft) tiff.incomplete = true
    entriesLeft -= ifd.entries.length
    tiff.ifds.push(ifd)
    for (const entry of ifd.entries) {
      const kind = kindOfChild(entry.tag)
      if (kind === null) continue
      for (const offset of numbers(bytes, entry, littleEndian).slice(0, maxIfds)) waiting.push({ kind, offset })
    }
    // Only pictures are chained; a number behind another directory is often rubbish.
    if (next.kind !== 'image') continue
    waiting.push({ kind: 'image', offset: u32(bytes, ifd.at + 2 + ifd.count * 12, littleEndian) })
  }
  return tiff
}

function kindOfChild(tag: number): IfdKind | null {
  if (tag === tags.exifIfd) return 'exif'
  if (tag === tags.gpsIfd) return 'gps'
  if (tag === tags.interoperabilityIfd) return 'interoperability'
  return tag === tags.subIfds ? 'sub' : null
}

/** One directory; null when not even its count lies in `range`. Its values count from `base`. */
export function readIfd(
  bytes: Uint8Array,
  range: Stretch,
  base: number,
  offset: number,
  littleEndian: boolean,
  kind: IfdKind,
  maxCount = maxEntries,
): Ifd | null {
  const at = base + offset
  if (at < range.start || at + 2 > range.end) return null
  const count = u16(bytes, at, littleEndian)
  const entries: Entry[] = []
  for (let index = 0; index < Math.min(count, maxCount); index += 1) {
    const entryAt = at + 2 + index * 12
    if (entryAt + 12 > range.end) break
    const type = u16(bytes, entryAt + 2, littleEndian)
    const valueCount = u32(bytes, entryAt + 4, littleEndian)
    const size = (bytesOfType[type] ?? 0) * valueCount
    const start = size <= 4 ? entryAt + 8 : base + u32(bytes, entryAt + 8, littleEndian)
    const inside = start >= range.start && start + size <= range.end
    const value = inside ? { start, end: start + size } : { start: entryAt + 8, end: entryAt + 8 }
    entries.push({ tag: u16(bytes, entryAt, littleEndian), type, count: valueCount, at: entryAt, value })
  }
  return { kind, at, count, entries }
}

/** The numbers of an entry, rationals divided (0/0 is NaN); at most 1024, empty when it holds none. */
export function numbers(bytes: Uint8Array, entry: Entry, littleEndian: boolean): number[] {
  const size = bytesOfType[entry.type] ?? 0
  const count = Math.min(size === 0 ? 0 : (entry.value.end - entry.value.start) / size, 1024)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const read = (at: number): number => {
    switch (entry.type) {
      case 3:
        return view.getUint16(at, littleEndian)
      case 4:
      case 13:
        return view.getUint32(at, littleEndian)
      case 5:
        return view.getUint32(at, littleEndian) / view.getUint32(at + 4, littleEndian)
      case 6:
        return view.getInt8(at)
      case 8:
        return view.getInt16(at, littleEndian)
      case 9:
        return view.getInt32(at, littleEndian)
      case 10:
        return view.getInt32(at, littleEndian) / view.getInt32(at + 4, littleEndian)
      case 11:
        return view.getFloat32(at, littleEndian)
      case 12:
        return view.getFloat64(at, littleEndian)
      default:
        return view.getUint8(at)
    }
  }
  return Array.from({ length: count }, (_, index) => read(entry.value.start + index * size))
}
