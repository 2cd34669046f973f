/**
 * JPEG XL in its container (ISO 18181-2): the boxes `Exif` and `xml `, also compressed inside of `brob`. `jbrd` has
 * what it takes to make the JPEG again that it once was, metadata and all, compressed.
 */
import { brotliDecompressSync } from 'node:zlib'
import { boxesIn } from './boxes.ts'
import { latin1, type Stretch, u32 } from './bytes.ts'
import { addPart, type Drop, type Survey } from './survey.ts'
import { surveyTiffAt } from './tiff-parts.ts'

const harmless = new Set(['JXL ', 'ftyp', 'jxlc', 'jxlp', 'jxll', 'jxli'])
const maxInflated = 4 * 1024 * 1024
const maxPacked = 8

export function surveyJxl(survey: Survey): void {
  const { bytes } = survey
  let packed = 0
  for (const { type, at, content } of boxesIn(bytes, { start: 0, end: bytes.length })) {
    const drop: Drop = { zero: content, rename: { at: at + 4, name: 'free' } }
    if (type === 'Exif') {
      surveyTiffAt(survey, exifIn(bytes, content), true, drop)
    } else if (type === 'xml ') {
      addPart(survey, { kind: 'xmp', primary: true, drop, pieces: [content] })
    } else if (type === 'brob' && packed < maxPacked) {
      packed += 1
      surveyPacked(survey, content, drop)
    } else if (type === 'jbrd') {
      // What else the JPEG had, such as IPTC. Its pictures are not in here.
      addPart(survey, { kind: 'packed', primary: false, drop, format: 'text', bytes: null })
    } else if (!harmless.has(type)) {
      addPart(survey, { kind: 'unknown', primary: false, drop, range: content })
    }
  }
}

/** EXIF in boxes and items begins with the distance from there to its TIFF, usually 0. */
export function exifIn(bytes: Uint8Array, range: Stretch): Stretch {
  return { start: Math.min(range.start + 4 + u32(bytes, range.start), range.end), end: range.end }
}

function surveyPacked(survey: Survey, content: Stretch, drop: Drop): void {
  const type = latin1(survey.bytes, content.start, content.start + 4)
  const text = decompress(survey.bytes.subarray(content.start + 4, content.end))
  if (type === 'xml ') {
    addPart(survey, { kind: 'packed', primary: true, drop, format: 'xmp', bytes: text })
  } else if (type === 'Exif') {
    const tiff = text === null ? null : text.subarray(exifIn(text, { start: 0, end: text.length }).start)
    addPart(survey, { kind: 'packed', primary: true, drop, format: 'tiff', bytes: tiff })
  } else {
    addPart(survey, { kind: 'packed', primary: false, drop, format: 'text', bytes: text })
  }
}

function decompress(bytes: Uint8Array): Uint8Array | null {
  try {
    return brotliDecompressSync(bytes, { maxOutputLength: maxInflated })
  } catch {
    // Damaged or a bomb: unreadable, which is what null says.
    return null
  }
}
