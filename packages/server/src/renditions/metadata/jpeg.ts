/**
 * JPEG (ITU-T T.81, JFIF, EXIF): segments up to the image data, and what comes behind the image: further images (CIPA
 * DC-007 multi-picture, gain maps), the video of a motion photo, a maker's own trailer.
 */
import { asBuffer, latin1, type Stretch, startsWith, u8, u16, u32 } from './bytes.ts'
import { surveyPhotoshop } from './photoshop.ts'
import { addPart, type Survey } from './survey.ts'
import { surveyTiffAt } from './tiff-parts.ts'
import { surveyTrailer } from './trailer.ts'

const xmpName = 'http://ns.adobe.com/xap/1.0/\0'
const extendedXmpName = 'http://ns.adobe.com/xmp/extension/\0'
/** Behind its name: a digest of 32 characters, the whole length and this piece's place in it, 4 bytes each. */
const extendedXmpHeader = extendedXmpName.length + 40

/** Segments that describe the picture's samples and colours, and can say nothing of a place. */
const harmless: Record<number, string[]> = {
  224: ['JFIF\0', 'JFXX\0'],
  226: ['ICC_PROFILE\0', 'MPF\0', 'urn:iso:std:iso:ts:21496:-1\0'],
  236: ['Ducky'],
  238: ['Adobe'],
}

export function surveyJpeg(survey: Survey): void {
  const { bytes } = survey
  const end = surveyJpegAt(survey, { start: 0, end: bytes.length }, true)
  surveyTrailer(survey, { start: end, end: bytes.length })
}

/** Of a thumbnail or preview. */
const maxHeaderSegments = 1000

/**
 * One image in `range`. Answers where it ends, which is the range's end when it has no end of its own.
 *
 * @param part Of a `header`, only what comes before the image data is walked, and the answer means nothing.
 */
export function surveyJpegAt(
  survey: Survey,
  range: Stretch,
  primary: boolean,
  part: 'whole' | 'header' = 'whole',
): number {
  const { bytes } = survey
  const buffer = asBuffer(bytes)
  const extended = new Map<string, { offset: number; piece: Stretch }[]>()
  let at = range.start + 2
  for (let segments = 0; at + 4 <= range.end && !survey.incomplete; segments += 1) {
    if (part === 'header' && segments === maxHeaderSegments) survey.incomplete = true
    const marker = u8(bytes, at + 1)
    if (u8(bytes, at) !== 0xff || marker === 0 || marker === 0xff) {
      // Between segments lies nothing; decoders look for the next marker, and so must we. In a damaged file it is the image.
      const next = nextMarker(buffer, at + 1, range.end)
      const between = { start: at, end: next }
      const drop = { zero: between, rename: null }
      if (marker !== 0xff) addPart(survey, { kind: 'text', primary: false, drop, range: between, keyword: '' })
      at = next
      continue
    }
    if (marker === 0xd9) break
    if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += 2
      continue
    }
    const end = Math.min(at + 2 + Math.max(2, u16(bytes, at + 2)), range.end)
    if (marker === 0xda && part === 'header') break
    if (marker === 0xda) {
      at = nextMarker(buffer, end, range.end)
      continue
    }
    surveySegment(survey, marker, { start: at + 4, end: Math.max(at + 4, end) }, primary, extended)
    at = end
  }
  for (const pieces of extended.values()) {
    pieces.sort((a, b) => a.offset - b.offset)
    addPart(survey, { kind: 'xmp', primary: false, drop: null, pieces: pieces.map(({ piece }) => piece) })
  }
  return Math.min(at + 2, range.end)
}

/** The first marker from `from` on that ends a scan: neither a stuffed byte nor a restart. */
function nextMarker(buffer: Buffer, from: number, end: number): number {
  for (let at = buffer.indexOf(0xff, from); at !== -1 && at < end; at = buffer.indexOf(0xff, at)) {
    const next = u8(buffer, at + 1)
    if (next === 0xff) at += 1
    else if (next === 0 || (next >= 0xd0 && next <= 0xd7)) at += 2
    else return at
  }
  return end
}

function surveySegment(
  survey: Survey,
  marker: number,
  range: Stretch,
  primary: boolean,
  extended: Map<string, { offset: number; piece: Stretch }[]>,
): void {
  const { bytes } = survey
  const drop = { zero: range, rename: null }
  if (marker === 0xfe) addPart(survey, { kind: 'text', primary, drop, range, keyword: '' })
  if (marker < 0xe0 || marker > 0xef) return
  if (harmless[marker]?.some((name) => startsWith(bytes, range.start, name))) return
  if (marker === 0xe1 && startsWith(bytes, range.start, 'Exif\0')) {
    surveyTiffAt(survey, { start: range.start + 6, end: range.end }, primary, drop)
  } else if (marker === 0xe1 && startsWith(bytes, range.start, xmpName)) {
    const text = { start: range.start + xmpName.length, end: range.end }
    addPart(survey, { kind: 'xmp', primary, drop: { zero: text, rename: null }, pieces: [text] })
  } else if (marker === 0xe1 && startsWith(bytes, range.start, extendedXmpName)) {
    const digest = latin1(bytes, range.start + extendedXmpName.length, range.start + extendedXmpName.length + 32)
    const piece = { start: Math.min(range.start + extendedXmpHeader, range.end), end: range.end }
    const pieces = extended.get(digest) ?? []
    pieces.push({ offset: u32(bytes, range.start + extendedXmpHeader - 4), piece })
    extended.set(digest, pieces)
  } else if (marker === 0xed && startsWith(bytes, range.start, 'Photoshop 3.0\0')) {
    surveyPhotoshop(survey, { start: range.start + 14, end: range.end }, primary)
  } else {
    addPart(survey, { kind: 'unknown', primary: false, drop, range })
  }
}
