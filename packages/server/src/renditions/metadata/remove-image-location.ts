/**
 * The copy of an image that is given to others: the same file, byte for byte, but for what tells where it was taken. No
 * byte moves, so every picture in it, its colours, its second images and its motion stay what they were.
 *
 * What is of a known kind loses its places; what is not known is emptied whole. The copy is then read again by the same
 * eyes, and searched for the places that were seen before: what still tells one is not given away.
 */
import { crc32 } from 'node:zlib'
import { blankTiff } from './blank-tiff.ts'
import { asBuffer, latin1, type Stretch, startsWith, u32 } from './bytes.ts'
import { factsOf, readMovie, readSurvey } from './image.ts'
import { placesOf, readDatasets } from './iptc.ts'
import { blankBox } from './movie.ts'
import { type Drop, type Part, type Survey, surveyImage } from './survey.ts'
import { numbers } from './tiff.ts'
import { joinPieces, placesIn, readXmp } from './xmp.ts'

const space = 0x20

/**
 * @param bytes The whole original.
 * @param contentType As sniffed.
 * @returns The original itself when it holds no location, else a copy of the same length without; null when it cannot be
 *   made for sure, and only renditions may be shown.
 */
export async function removeImageLocation(bytes: Uint8Array, contentType: string): Promise<Uint8Array | null> {
  const survey = surveyImage(bytes, contentType)
  if (survey === null || survey.incomplete) return null
  if (!readSurvey(survey).holdsLocation) return bytes
  const copy = Uint8Array.from(bytes)
  for (const part of survey.parts) if (!blankPart(copy, survey, part)) return null
  if (startsWith(copy, 1, 'PNG')) mendChecksums(copy, bytes)
  return isClean(copy, survey, contentType) ? copy : null
}

/** Answers false when the part can neither be cleaned nor left out. */
function blankPart(copy: Uint8Array, survey: Survey, part: Part): boolean {
  switch (part.kind) {
    case 'ciff':
      return true
    case 'tiff':
      return blankTiff(copy, part.tiff, survey.raw, part.drop === null ? null : part.range)
    case 'xmp':
      return blankXmp(copy, part.pieces)
    case 'iptc': {
      const { datasets, whole } = readDatasets(copy, part.range)
      if (!whole) return dropPart(copy, part.drop)
      for (const { start, end } of placesOf(datasets)) copy.fill(space, start, end)
      return true
    }
    case 'text':
    case 'packed':
      return factsOf(copy, part, []).holdsLocation ? dropPart(copy, part.drop) : true
    case 'movie': {
      const movie = readMovie(copy, part.range)
      if (movie.remux) return dropPart(copy, part.drop)
      for (const blank of movie.blanks) blankBox(copy, blank)
      return true
    }
    case 'unknown':
      return dropPart(copy, part.drop)
  }
}

function dropPart(copy: Uint8Array, drop: Drop | null): boolean {
  if (drop === null) return false
  copy.fill(0, drop.zero.start, drop.zero.end)
  if (drop.rename !== null) asBuffer(copy).write(drop.rename.name, drop.rename.at, 'latin1')
  return true
}

/** Spaces are nothing between elements and between attributes. What is not well-formed becomes nothing but spaces. */
function blankXmp(copy: Uint8Array, pieces: Stretch[]): boolean {
  const text = joinPieces(copy, pieces)
  const xmp = readXmp(text)
  const ranges = xmp.whole
    ? [...placesIn(xmp).map(({ range }) => range), ...xmp.comments]
    : [{ start: 0, end: text.length }]
  let at = 0
  for (const piece of pieces) {
    const end = at + piece.end - piece.start
    for (const range of ranges) {
      if (range.start >= end || range.end <= at) continue
      copy.fill(space, piece.start + Math.max(range.start - at, 0), piece.start + Math.min(range.end, end) - at)
    }
    at = end
  }
  return true
}

/** Every chunk of a PNG ends in a CRC-32 over its name and data. */
function mendChecksums(copy: Uint8Array, original: Uint8Array): void {
  const view = asBuffer(copy)
  let at = 8
  while (at + 12 <= copy.length) {
    const end = at + 8 + u32(copy, at)
    if (end + 4 > copy.length) return
    if (!view.subarray(at, end).equals(original.subarray(at, end)))
      view.writeUInt32BE(crc32(view.subarray(at + 4, end)), end)
    at = end + 4
  }
}

function isClean(copy: Uint8Array, before: Survey, contentType: string): boolean {
  const after = surveyImage(copy, contentType)
  if (after === null || after.incomplete) return false
  const read = readSurvey(after)
  if (read.holdsLocation || read.location !== null) return false
  const buffer = asBuffer(copy)
  for (const trace of tracesOf(before)) if (buffer.includes(trace)) return false
  return true
}

/** The places that were seen, as they stand in the file: coordinates as EXIF keeps them, and as words of XMP. */
function* tracesOf({ bytes, parts }: Survey): Generator<Buffer | string> {
  for (const part of parts) {
    if (part.kind === 'tiff') {
      for (const ifd of part.tiff.ifds) {
        for (const entry of ifd.entries) {
          if (ifd.kind !== 'gps' || (entry.tag !== 0x0002 && entry.tag !== 0x0004)) continue
          // Shorter or rounder ones than this occur by chance, as in a table of zeros.
          const precise = numbers(bytes, entry, part.tiff.littleEndian).filter((number) => number > 0).length > 1
          if (precise) yield asBuffer(bytes).subarray(entry.value.start, entry.value.end)
        }
      }
    } else if (part.kind === 'xmp') {
      for (const { value } of placesIn(readXmp(joinPieces(bytes, part.pieces)))) {
        if (/^\d+[,.]\d+[.,]\d{3,}/.test(value)) yield value
      }
    } else if (part.kind === 'movie') {
      const text = readMovie(bytes, part.range).blanks.map(({ content }) => latin1(bytes, content.start, content.end))
      for (const words of text) yield* words.match(/[+-]\d{2,6}\.\d{2,}[+-]\d{3,7}\.\d{2,}/g) ?? []
    }
  }
}
