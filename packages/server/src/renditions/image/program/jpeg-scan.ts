/** Finds the pictures in JPEG that lie within another file. */
import { readTiff } from './tiff-tags.ts'

export interface EmbeddedJpeg {
  start: number
  width: number
  height: number
  /** By its own EXIF; null when it says none. */
  orientation: number | null
}

const startOfImage = Buffer.from([0xff, 0xd8, 0xff])
const endOfImage = Buffer.from([0xff, 0xd9])
/** A file of random bytes holds one such start in 16 MB. */
const maxCandidates = 4096

/** Those that any decoder shows, whole. Sensor data in lossless JPEG (SOF3) is none. */
export function findJpegs(file: Buffer): EmbeddedJpeg[] {
  const found: EmbeddedJpeg[] = []
  const lastEnd = file.lastIndexOf(endOfImage)
  let at = file.indexOf(startOfImage)
  for (let tried = 0; at !== -1 && tried < maxCandidates; tried += 1) {
    const jpeg = readHeader(file, at, lastEnd)
    if (jpeg !== null) found.push(jpeg)
    at = file.indexOf(startOfImage, at + 2)
  }
  return found
}

/** Walks the segments (ITU-T T.81, annex B) up to the first scan. */
function readHeader(file: Buffer, start: number, lastEnd: number): EmbeddedJpeg | null {
  let size: { width: number; height: number } | null = null
  let orientation: number | null = null
  let at = start + 2
  while (at + 4 <= file.length && file[at] === 0xff) {
    const marker = file[at + 1] ?? 0
    if (marker === 0xff) {
      at += 1
      continue
    }
    const length = file.readUInt16BE(at + 2)
    if (length < 2 || marker < 0xc0 || (marker >= 0xd0 && marker <= 0xd9)) return null
    const body = file.subarray(at + 4, at + 2 + length)
    if (marker === 0xc0 || marker === 0xc1 || marker === 0xc2) {
      if (body.length < 6 || body[0] !== 8) return null
      size = { height: body.readUInt16BE(1), width: body.readUInt16BE(3) }
    } else if (marker === 0xe1) {
      orientation ??= readExifOrientation(body)
    } else if (marker === 0xda) {
      const isWhole = lastEnd > at
      return isWhole && size !== null && size.width > 0 && size.height > 0 ? { start, ...size, orientation } : null
    } else if (marker > 0xc2 && marker < 0xd0 && marker !== 0xc4 && marker !== 0xcc) {
      return null
    }
    at += 2 + length
  }
  return null
}

function readExifOrientation(segment: Buffer): number | null {
  if (segment.toString('latin1', 0, 6) !== 'Exif\0\0') return null
  return readTiff(segment.subarray(6))[0]?.orientation ?? null
}
