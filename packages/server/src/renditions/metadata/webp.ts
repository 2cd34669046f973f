/** WebP (RFC 9649): the RIFF chunks `EXIF` and `XMP `. */
import { latin1, startsWith, u32 } from './bytes.ts'
import { addPart, type Survey } from './survey.ts'
import { surveyTiffAt } from './tiff-parts.ts'
import { surveyTrailer } from './trailer.ts'

const harmless = new Set(['VP8 ', 'VP8L', 'VP8X', 'ALPH', 'ANIM', 'ANMF', 'ICCP'])

export function surveyWebp(survey: Survey): void {
  const { bytes } = survey
  const end = Math.min(8 + u32(bytes, 4, true), bytes.length)
  let at = 12
  while (at + 8 <= end) {
    const type = latin1(bytes, at, at + 4)
    const size = u32(bytes, at + 4, true)
    const data = { start: at + 8, end: Math.min(at + 8 + size, end) }
    const drop = { zero: data, rename: null }
    if (type === 'EXIF') {
      const prefixed = startsWith(bytes, data.start, 'Exif\0\0')
      surveyTiffAt(survey, { start: data.start + (prefixed ? 6 : 0), end: data.end }, true, drop)
    } else if (type === 'XMP ') {
      addPart(survey, { kind: 'xmp', primary: true, drop, pieces: [data] })
    } else if (!harmless.has(type)) {
      addPart(survey, { kind: 'unknown', primary: false, drop, range: data })
    }
    at += 8 + size + (size % 2)
  }
  surveyTrailer(survey, { start: end, end: bytes.length })
}
