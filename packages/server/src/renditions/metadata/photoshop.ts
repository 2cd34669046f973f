/**
 * Photoshop image resources: the blocks `8BIM` in which JPEG and TIFF keep IPTC, and some programs XMP and EXIF once
 * more.
 */
import { type Stretch, startsWith, u8, u16, u32 } from './bytes.ts'
import { addPart, type Survey } from './survey.ts'
import { surveyTiffAt } from './tiff-parts.ts'

const iptc = 0x0404
const exif = [0x0422, 0x0423]
const xmp = 0x0424
/** Resolution, clipping paths, colours, quality, digests, thumbnails without metadata of their own. */
const harmless = new Set([
  0x03e8, 0x03ed, 0x03f3, 0x03f5, 0x0400, 0x0406, 0x0408, 0x040b, 0x040d, 0x0411, 0x0414, 0x0419, 0x041a, 0x041e,
  0x0421, 0x0425, 0x2710,
])

export function surveyPhotoshop(survey: Survey, range: Stretch, primary: boolean): void {
  const { bytes } = survey
  let at = range.start
  while (at + 12 <= range.end && startsWith(bytes, at, '8BIM')) {
    const id = u16(bytes, at + 4)
    const nameLength = u8(bytes, at + 6)
    const sizeAt = at + 6 + nameLength + 1 + ((nameLength + 1) % 2)
    const size = u32(bytes, sizeAt)
    const data = { start: Math.min(sizeAt + 4, range.end), end: Math.min(sizeAt + 4 + size, range.end) }
    const drop = { zero: data, rename: null }
    if (id === iptc) addPart(survey, { kind: 'iptc', primary, drop, range: data })
    else if (id === xmp) addPart(survey, { kind: 'xmp', primary, drop, pieces: [data] })
    else if (exif.includes(id)) surveyTiffAt(survey, data, primary, drop)
    else if (!harmless.has(id)) addPart(survey, { kind: 'unknown', primary: false, drop, range: data })
    at = sizeAt + 4 + size + (size % 2)
  }
  // What follows belongs to a block that began in another segment.
  if (at < range.end) {
    const rest = { start: at, end: range.end }
    addPart(survey, { kind: 'unknown', primary: false, drop: { zero: rest, rename: null }, range: rest })
  }
}
