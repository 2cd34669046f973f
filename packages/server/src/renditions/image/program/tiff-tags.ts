/**
 * The little of a TIFF's structure (TIFF 6.0; TIFF/EP and DNG for RAW) that tells a RAW file from a scan: its directories
 * with a few of their tags. Reads untrusted offsets: everything outside of the file is as if it were not there.
 */

export interface TiffDirectory {
  compression: number | null
  photometric: number | null
  orientation: number | null
  make: string | null
  hasDngVersion: boolean
  /** Where the data of its strips or tiles begin. */
  dataOffsets: number[]
}

const tags = {
  compression: 259,
  photometric: 262,
  make: 271,
  stripOffsets: 273,
  orientation: 274,
  tileOffsets: 324,
  subDirectories: 330,
  dngVersion: 50_706,
}
/** Bytes of one value of each type. */
const typeSizes: Record<number, number> = { 1: 1, 2: 1, 3: 2, 4: 4, 7: 1, 13: 4 }
const wanted = new Set(Object.values(tags))
const maxDirectories = 32
const maxEntries = 1024
const maxValues = 65_536

/** Its directories, those within others too, the first one first; none when it is no TIFF of 32 bits. */
export function readTiff(file: Buffer): TiffDirectory[] {
  const order = file.toString('latin1', 0, 2)
  if (order !== 'II' && order !== 'MM') return []
  const little = order === 'II'
  const short = (at: number) => (at + 2 > file.length ? 0 : little ? file.readUInt16LE(at) : file.readUInt16BE(at))
  const long = (at: number) => (at + 4 > file.length ? 0 : little ? file.readUInt32LE(at) : file.readUInt32BE(at))

  const pending = [long(4)]
  const seen = new Set<number>()
  const directories: TiffDirectory[] = []
  while (pending.length > 0 && directories.length < maxDirectories) {
    const start = pending.shift() ?? 0
    if (start < 8 || start + 2 > file.length || seen.has(start)) continue
    seen.add(start)
    const count = short(start)
    const entries = new Map<number, number[]>()
    let make: string | null = null
    for (let index = 0; index < Math.min(count, maxEntries); index += 1) {
      const at = start + 2 + index * 12
      if (at + 12 > file.length) break
      const tag = short(at)
      // Only the first of each counts, so that a hostile directory cannot ask for the same work again and again.
      if (!wanted.has(tag) || entries.has(tag)) continue
      const type = short(at + 2)
      const size = typeSizes[type] ?? 0
      const values = Math.min(long(at + 4), maxValues)
      const from = size * values <= 4 ? at + 8 : long(at + 8)
      if (tag === tags.make) make = file.toString('latin1', from, from + values).replace(/\0.*$/s, '')
      else entries.set(tag, readValues(from, values, size))
    }
    const first = (tag: number) => entries.get(tag)?.[0] ?? null
    directories.push({
      compression: first(tags.compression),
      photometric: first(tags.photometric),
      orientation: first(tags.orientation),
      make,
      hasDngVersion: entries.has(tags.dngVersion),
      dataOffsets: [...(entries.get(tags.stripOffsets) ?? []), ...(entries.get(tags.tileOffsets) ?? [])],
    })
    pending.push(...(entries.get(tags.subDirectories) ?? []), long(start + 2 + count * 12))
  }
  return directories

  function readValues(from: number, count: number, size: number): number[] {
    const values: number[] = []
    for (let index = 0; index < count && from + (index + 1) * size <= file.length; index += 1) {
      const at = from + index * size
      values.push(size === 4 ? long(at) : size === 2 ? short(at) : (file[at] ?? 0))
    }
    return values
  }
}

/** The numbers of a sensor, as they are or made linear (TIFF/EP, DNG: PhotometricInterpretation). */
export function holdsSensorData({ photometric }: TiffDirectory): boolean {
  return photometric === 32_803 || photometric === 34_892
}

/** Canon marks its own at byte 8; the others keep sensor data. */
export function isRawTiff(file: Buffer, directories: TiffDirectory[]): boolean {
  if (file.toString('latin1', 8, 10) === 'CR') return true
  return directories.some((directory) => directory.hasDngVersion || holdsSensorData(directory))
}
