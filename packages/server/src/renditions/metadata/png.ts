/**
 * PNG (third edition): metadata in `eXIf`, in XMP's `iTXt`, and, as ImageMagick writes it, in hexadecimal inside of text
 * chunks ("Raw profile type …"). Compressed text is inflated only where it can matter, and never far.
 */
import { inflateSync } from 'node:zlib'
import { asBuffer, latin1, type Stretch, u8, u32 } from './bytes.ts'
import { addPart, type Drop, type Survey } from './survey.ts'
import { surveyTiffAt } from './tiff-parts.ts'
import { surveyTrailer } from './trailer.ts'

/** Ancillary chunks that describe samples, colours and animation. Those whose name begins with a capital are the image. */
const harmless = new Set(
  'cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI mDCv cLLi bKGD hIST tRNS pHYs sPLT tIME acTL fcTL fdAT oFFs sCAL sTER gIFg'.split(
    ' ',
  ),
)
const maxInflated = 1024 * 1024
const maxPacked = 8

/** Private, of no meaning and safe to copy: readers pass over it. */
export const emptyChunk = 'frEe'

export function surveyPng(survey: Survey): void {
  const { bytes } = survey
  let at = 8
  let packed = 0
  while (at + 12 <= bytes.length) {
    const type = latin1(bytes, at + 4, at + 8)
    const data = { start: at + 8, end: Math.min(at + 8 + u32(bytes, at), bytes.length) }
    const drop = { zero: data, rename: { at: at + 4, name: emptyChunk } }
    at = data.end + 4
    if (type === 'eXIf') {
      const prefixed = latin1(bytes, data.start, data.start + 6) === 'Exif\0\0'
      surveyTiffAt(survey, { start: data.start + (prefixed ? 6 : 0), end: data.end }, true, drop)
    } else if (type === 'tEXt' || type === 'zTXt' || type === 'iTXt') {
      if (packed === maxPacked) addPart(survey, { kind: 'unknown', primary: false, drop, range: data })
      else if (surveyText(survey, type, data, drop)) packed += 1
    } else if (type === 'IEND') {
      break
    } else if (/^[a-z]/.test(type) && !harmless.has(type) && type !== emptyChunk) {
      addPart(survey, { kind: 'unknown', primary: false, drop, range: data })
    }
  }
  surveyTrailer(survey, { start: Math.min(at, bytes.length), end: bytes.length })
}

/** One text chunk. Answers whether it was packed. */
function surveyText(survey: Survey, type: string, data: Stretch, drop: Drop): boolean {
  const { bytes } = survey
  const keywordEnd = asBuffer(bytes).indexOf(0, data.start)
  if (keywordEnd === -1 || keywordEnd > Math.min(data.start + 80, data.end)) {
    addPart(survey, { kind: 'unknown', primary: false, drop, range: data })
    return false
  }
  const keyword = latin1(bytes, data.start, keywordEnd)
  const { start, compressed } = textStart(bytes, type, keywordEnd, data.end)
  const range = { start: Math.min(start, data.end), end: data.end }
  const profile = /^Raw profile type (\w+)/i.exec(keyword)?.[1]?.toLowerCase()
  const isXmp = keyword === 'XML:com.adobe.xmp'
  if (!compressed && profile === undefined) {
    if (isXmp) addPart(survey, { kind: 'xmp', primary: true, drop, pieces: [range] })
    else addPart(survey, { kind: 'text', primary: true, drop, range, keyword })
    return false
  }
  if (profile === 'icc' || profile === 'icm') return false
  const text = compressed ? inflate(bytes.subarray(range.start, range.end)) : bytes.subarray(range.start, range.end)
  if (isXmp) addPart(survey, { kind: 'packed', primary: true, drop, format: 'xmp', bytes: text })
  else if (profile === undefined) addPart(survey, { kind: 'packed', primary: false, drop, format: 'text', bytes: text })
  else addPart(survey, { kind: 'packed', primary: true, drop, ...unpackProfile(profile, text) })
  return true
}

function textStart(
  bytes: Uint8Array,
  type: string,
  keywordEnd: number,
  end: number,
): { start: number; compressed: boolean } {
  if (type === 'tEXt') return { start: keywordEnd + 1, compressed: false }
  if (type === 'zTXt') return { start: keywordEnd + 2, compressed: true }
  // iTXt: compressed or not, how, the language and the keyword translated.
  const buffer = asBuffer(bytes)
  const language = buffer.indexOf(0, keywordEnd + 3)
  const translated = language === -1 || language >= end ? -1 : buffer.indexOf(0, language + 1)
  const start = translated === -1 || translated >= end ? end : translated + 1
  return { start, compressed: u8(bytes, keywordEnd + 1) !== 0 }
}

/** A line with the name, one with the length, then hexadecimal. */
function unpackProfile(
  profile: string,
  text: Uint8Array | null,
): { format: 'tiff' | 'iptc' | 'xmp' | 'text'; bytes: Uint8Array | null } {
  const body = text === null ? null : /^\s*\w+\s+\d+\s+([0-9a-f\s]+)/i.exec(latin1(text, 0, text.length))?.[1]
  const bytes = body == null ? null : Buffer.from(body.replace(/\s+/g, ''), 'hex')
  if (profile === 'exif' || profile === 'app1') {
    const xmp = bytes !== null && bytes.subarray(0, 5).toString('latin1') === 'http:'
    if (xmp) return { format: 'xmp', bytes: bytes.subarray(bytes.indexOf(0) + 1) }
    return { format: 'tiff', bytes: bytes === null ? null : bytes.subarray(bytes.indexOf('Exif\0\0') === 0 ? 6 : 0) }
  }
  if (profile === 'xmp') return { format: 'xmp', bytes }
  return { format: profile === 'iptc' || profile === '8bim' ? 'iptc' : 'text', bytes }
}

function inflate(bytes: Uint8Array): Uint8Array | null {
  try {
    return inflateSync(bytes, { maxOutputLength: maxInflated })
  } catch {
    // Damaged or a bomb: unreadable, which is what null says.
    return null
  }
}
