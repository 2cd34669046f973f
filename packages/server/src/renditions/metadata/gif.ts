/** GIF89a: XMP as an application extension, which is text up to a magic tail, and comments. */
import { asBuffer, latin1, type Stretch, startsWith, u8 } from './bytes.ts'
import { addPart, type Survey } from './survey.ts'
import { surveyTrailer } from './trailer.ts'

export function surveyGif(survey: Survey): void {
  const { bytes } = survey
  const tableSize = (flags: number): number => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0)
  let at = 13 + tableSize(u8(bytes, 10))
  while (at < bytes.length) {
    const introducer = u8(bytes, at)
    if (introducer === 0x2c) {
      at = skipBlocks(bytes, at + 11 + tableSize(u8(bytes, at + 9)))
    } else if (introducer === 0x21) {
      at = surveyExtension(survey, at)
    } else {
      // The end, or damage, after which nothing can be told apart.
      at += 1
      break
    }
  }
  surveyTrailer(survey, { start: Math.min(at, bytes.length), end: bytes.length })
}

/** Answers where the extension ends. */
function surveyExtension(survey: Survey, at: number): number {
  const { bytes } = survey
  const label = u8(bytes, at + 1)
  if (label === 0xff && startsWith(bytes, at + 3, 'XMP DataXMP')) {
    // The text is not in blocks. Behind it stands 0x01 and every length from 255 down to 0, so that others can skip it.
    const tail = asBuffer(bytes).indexOf(Buffer.from([0x01, 0xff, 0xfe]), at + 14)
    const end = tail === -1 ? bytes.length : tail
    const text = { start: Math.min(at + 14, end), end }
    addPart(survey, { kind: 'xmp', primary: true, drop: null, pieces: [text] })
    return tail === -1 ? end : Math.min(tail + 258, bytes.length)
  }
  const end = Math.min(skipBlocks(bytes, at + 2), bytes.length)
  const known = label === 0xff && /^(?:NETSCAPE2\.0|ANIMEXTS1\.0|ICCRGBG1012)$/.test(latin1(bytes, at + 3, at + 14))
  if (label !== 0xf9 && !known)
    addBlocks(survey, label === 0xfe || label === 0x01 ? 'text' : 'unknown', { start: at + 2, end })
  return end
}

/** The contents of blocks: their lengths must stay. */
function addBlocks(survey: Survey, kind: 'text' | 'unknown', range: Stretch): void {
  for (let at = range.start; at < range.end && u8(survey.bytes, at) !== 0; at += 1 + u8(survey.bytes, at)) {
    const block = { start: at + 1, end: Math.min(at + 1 + u8(survey.bytes, at), range.end) }
    const drop = { zero: block, rename: null }
    if (kind === 'text') addPart(survey, { kind, primary: true, drop, range: block, keyword: '' })
    else addPart(survey, { kind, primary: false, drop, range: block })
  }
}

/** Behind a run of blocks, each with its length before it; a length of 0 ends it. */
function skipBlocks(bytes: Uint8Array, from: number): number {
  let at = from
  while (at < bytes.length && u8(bytes, at) !== 0) at += 1 + u8(bytes, at)
  return at + 1
}
