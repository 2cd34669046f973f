/** Canon's older RAW, CRW (CIFF specification 1.0, revision 4): a heap of records, whose directory lies at its end. */

/** Its `ImageSpec` record holds width, height, pixel aspect and rotation, 4 bytes each. */
const imageSpec = 0x1810
const maxDepth = 8

/** As an EXIF orientation; null when this is no CRW or says none. */
export function readCiffRotation(file: Buffer): number | null {
  if (file.toString('latin1', 6, 14) !== 'HEAPCCDR' || file.toString('latin1', 0, 2) !== 'II') return null
  const degrees = find(file, file.readUInt32LE(2), file.length, 0)
  return degrees === null ? null : ({ 0: 1, 90: 6, 180: 3, 270: 8 }[((degrees % 360) + 360) % 360] ?? null)
}

function find(file: Buffer, start: number, end: number, depth: number): number | null {
  if (depth > maxDepth || start + 6 > end || end > file.length) return null
  const directory = start + file.readUInt32LE(end - 4)
  if (directory + 2 > end) return null
  const count = file.readUInt16LE(directory)
  for (let index = 0; index < count; index += 1) {
    const at = directory + 2 + index * 10
    if (at + 10 > end) return null
    const tag = file.readUInt16LE(at)
    const size = file.readUInt32LE(at + 2)
    const from = start + file.readUInt32LE(at + 6)
    if ((tag & 0x3fff) === imageSpec && from + 16 <= file.length) return file.readInt32LE(from + 12)
    // Types 5 and 6 (bits 11 to 13) are heaps within this one.
    const type = (tag >> 11) & 7
    if (type === 5 || type === 6) {
      const degrees = find(file, from, from + size, depth + 1)
      if (degrees !== null) return degrees
    }
  }
  return null
}
