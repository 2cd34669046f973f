/**
 * What cameras put behind the end of an image: second images, the video of a motion photo (Google's MicroVideo and
 * Motion Photo 1.0), and Samsung's own trailer (`SEFT`), whose directory stands at the very end of the file.
 */
import { asBuffer, latin1, type Stretch, startsWith, u8, u32 } from './bytes.ts'
import { surveyJpegAt } from './jpeg.ts'
import { addPart, type Survey } from './survey.ts'

const maxPieces = 64

export function surveyTrailer(survey: Survey, range: Stretch): void {
  const behind = surveySamsung(survey, range)
  const { bytes } = survey
  const buffer = asBuffer(bytes)
  let at = range.start
  for (let piece = 0; at < behind; piece += 1) {
    if (piece === maxPieces) {
      unknown(survey, { start: at, end: behind })
      return
    }
    if (u8(bytes, at) === 0xff && u8(bytes, at + 1) === 0xd8 && u8(bytes, at + 2) === 0xff) {
      at = surveyJpegAt(survey, { start: at, end: behind }, false)
      continue
    }
    if (startsWith(bytes, at + 4, 'ftyp')) {
      const movie = { start: at, end: endOfBoxes(bytes, { start: at, end: behind }) }
      addPart(survey, { kind: 'movie', primary: false, drop: { zero: movie, rename: null }, range: movie })
      at = movie.end
      continue
    }
    const jpeg = find(buffer, Buffer.from([0xff, 0xd8, 0xff]), at, behind)
    const movie = find(buffer, Buffer.from('ftyp'), at + 4, behind) - 4
    const next = Math.max(at + 1, Math.min(jpeg, movie < at ? behind : movie))
    unknown(survey, { start: at, end: next })
    at = next
  }
}

function find(buffer: Buffer, needle: Buffer, from: number, end: number): number {
  const at = buffer.indexOf(needle, from)
  return at === -1 || at >= end ? end : at
}

/** Zeros between pieces are padding and say nothing. */
function unknown(survey: Survey, range: Stretch): void {
  for (let at = range.start; at < range.end; at += 1) {
    if (u8(survey.bytes, at) === 0) continue
    const rest = { start: at, end: range.end }
    addPart(survey, { kind: 'unknown', primary: false, drop: { zero: rest, rename: null }, range: rest })
    return
  }
}

/** Where a run of ISO boxes ends: at the first thing that is none. */
function endOfBoxes(bytes: Uint8Array, range: Stretch): number {
  let at = range.start
  while (at + 8 <= range.end && /^[\x20-\x7e\xa9]{4}$/.test(latin1(bytes, at + 4, at + 8))) {
    const size = u32(bytes, at)
    // 0 is to the end, 1 is a size of 64 bits, which no video in a photo needs.
    if (size < 8) return range.end
    if (at + size > range.end) return range.end
    at += size
  }
  return at
}

/** Adds the blocks of a Samsung trailer. Answers where it begins, which is the end of `range` when there is none. */
export function surveySamsung(survey: Survey, range: Stretch): number {
  const { bytes } = survey
  if (range.end - range.start < 20 || !startsWith(bytes, range.end - 4, 'SEFT')) return range.end
  const directory = range.end - 8 - u32(bytes, range.end - 8, true)
  if (directory < range.start || !startsWith(bytes, directory, 'SEFH')) return range.end
  const count = Math.min(u32(bytes, directory + 8, true), maxPieces)
  let first = directory
  for (let index = 0; index < count; index += 1) {
    const entry = directory + 12 + index * 12
    const start = directory - u32(bytes, entry + 4, true)
    const end = start + u32(bytes, entry + 8, true)
    const nameLength = u32(bytes, start + 4, true)
    if (entry + 12 > range.end || start < range.start || end > directory || start + 8 + nameLength > end) continue
    first = Math.min(first, start)
    const data = { start: start + 8 + nameLength, end }
    const drop = { zero: data, rename: null }
    const movie =
      latin1(bytes, start + 8, data.start) === 'MotionPhoto_Data' && startsWith(bytes, data.start + 4, 'ftyp')
    addPart(survey, { kind: movie ? 'movie' : 'unknown', primary: false, drop, range: data })
  }
  return first
}
