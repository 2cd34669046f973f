/** What lies inside a TIFF besides its own tags: XMP, IPTC, and JPEG thumbnails and previews with metadata of their own. */
import type { Stretch } from './bytes.ts'
import { u8 } from './bytes.ts'
import { surveyJpegAt } from './jpeg.ts'
import { surveyPhotoshop } from './photoshop.ts'
import { addPart, type Drop, type Survey } from './survey.ts'
import { type Entry, type Ifd, numbers, readTiff, type Tiff, tags } from './tiff.ts'

export function surveyTiff(survey: Survey): void {
  surveyTiffAt(survey, { start: 0, end: survey.bytes.length }, true, null)
}

/** A TIFF in `range`, as a file or as the EXIF of another format. */
export function surveyTiffAt(survey: Survey, range: Stretch, primary: boolean, drop: Drop | null): void {
  const { bytes } = survey
  const tiff = readTiff(bytes, range)
  if (tiff === null) {
    if (drop === null) survey.incomplete = true
    else addPart(survey, { kind: 'unknown', primary: false, drop, range })
    return
  }
  if (tiff.incomplete) survey.incomplete = true
  addPart(survey, { kind: 'tiff', primary, drop, tiff, range })
  for (const ifd of tiff.ifds) {
    for (const { tag, value } of ifd.entries) {
      const inner = { zero: value, rename: null }
      if (tag === tags.xmp) addPart(survey, { kind: 'xmp', primary, drop: inner, pieces: [value] })
      else if (tag === tags.iptc) addPart(survey, { kind: 'iptc', primary, drop: inner, range: value })
      else if (tag === tags.photoshop) surveyPhotoshop(survey, value, primary)
    }
    for (const preview of previews(survey.bytes, tiff, ifd, range)) surveyJpegAt(survey, preview, false, 'header')
  }
}

/** Whole JPEG files: named as such, or as strips. */
function* previews(bytes: Uint8Array, tiff: Tiff, ifd: Ifd, range: Stretch): Generator<Stretch> {
  for (const { start, end } of pictureData(bytes, tiff, ifd, range)) {
    if (start + 4 < end && u8(bytes, start) === 0xff && u8(bytes, start + 1) === 0xd8) yield { start, end }
  }
}

/** Where the pictures of a directory lie: a JPEG, or strips. */
export function* pictureData(bytes: Uint8Array, tiff: Tiff, ifd: Ifd, range: Stretch): Generator<Stretch> {
  const values = (tag: number): number[] => {
    const entry: Entry | undefined = ifd.entries.find((candidate) => candidate.tag === tag)
    return entry === undefined ? [] : numbers(bytes, entry, tiff.littleEndian)
  }
  for (const [offsetTag, lengthTag] of [
    [0x0201, 0x0202],
    [0x0111, 0x0117],
  ] as const) {
    const lengths = values(lengthTag)
    for (const [index, offset] of values(offsetTag).entries()) {
      const start = Math.min(range.start + offset, range.end)
      yield { start, end: Math.min(start + (lengths[index] ?? 0), range.end) }
    }
  }
}
