/** Weighs what the parts of an image file say: its own EXIF before XMP, that before IPTC and PNG's words. */
import type { MediaMetadata } from '../media.ts'
import { boxesIn, sampleBoxes } from './boxes.ts'
import { asBuffer, latin1, type Stretch } from './bytes.ts'
import { readCiff } from './ciff.ts'
import { readExif } from './exif.ts'
import { cleanText, type Facts, locationOf, noFacts, noMetadata } from './facts.ts'
import { readIptc } from './iptc.ts'
import { type Moment, readMoment } from './moments.ts'
import { motionIn } from './motion.ts'
import { cameraOf, emptyMovie, type Movie, readMoov, readUnknown } from './movie.ts'
import { mentionsPlace } from './place-words.ts'
import { type Part, type Survey, surveyImage } from './survey.ts'
import { readTiff } from './tiff.ts'
import { firstValue, joinPieces, placesIn, readCoordinate, readXmp, type Xmp } from './xmp.ts'

/**
 * What an image says of itself.
 *
 * @param bytes The whole file. Damage makes single answers null; nothing throws.
 * @param contentType As sniffed. The bytes decide about the format; the type only tells RAW from TIFF.
 */
export async function readImageMetadata(bytes: Uint8Array, contentType: string): Promise<MediaMetadata> {
  const survey = surveyImage(bytes, contentType)
  return survey === null ? noMetadata : readSurvey(survey)
}

export function readSurvey(survey: Survey): MediaMetadata {
  const { bytes } = survey
  const all: Facts[] = []
  const xmps: Xmp[] = []
  let holdsLocation = survey.incomplete
  for (const part of survey.parts) {
    const facts = factsOf(bytes, part, xmps)
    holdsLocation ||= facts.holdsLocation
    if (part.primary) all.push(facts)
  }
  const first = <Key extends keyof Facts>(key: Key): Facts[Key] | null =>
    all.map((facts) => facts[key]).find((value) => value !== null) ?? null
  const captured = withZone(first('original') ?? first('created') ?? first('changed'), all)
  return {
    capturedAt: captured?.date ?? null,
    offset: captured?.offset ?? null,
    location: first('location'),
    holdsLocation,
    camera: first('camera'),
    lens: first('lens'),
    exposure: first('exposure'),
    contentIdentifier: first('contentIdentifier'),
    motion: motionIn(survey, xmps),
  }
}

/** EXIF often leaves out the zone that XMP or IPTC have for the same clock. */
function withZone(moment: Moment | null, all: Facts[]): Moment | null {
  if (moment === null || moment.offset !== null) return moment
  const clock = ({ date, offset }: Moment): number => date.getTime() + (offset ?? 0) * 60_000
  const zoned = all
    .flatMap(({ original, created }) => [original, created])
    .find((other) => other != null && other.offset !== null && Math.abs(clock(other) - clock(moment)) < 1000)
  return zoned == null ? moment : { date: new Date(clock(moment) - (zoned.offset ?? 0) * 60_000), offset: zoned.offset }
}

/** The order of sources, when several parts answer: the walkers put EXIF first in all formats that have it. */
export function factsOf(bytes: Uint8Array, part: Part, xmps: Xmp[]): Facts {
  switch (part.kind) {
    case 'tiff':
      return readExif(bytes, part.tiff)
    case 'xmp':
      return xmpFacts(joinPieces(bytes, part.pieces), xmps)
    case 'ciff':
      return readCiff(bytes)
    case 'iptc':
      return readIptc(bytes, part.range)
    case 'text':
      return textFacts(part.keyword, latin1(bytes, part.range.start, part.range.end))
    case 'packed':
      return packedFacts(part, xmps)
    case 'movie':
      return movieFacts(readMovie(bytes, part.range))
    case 'unknown':
      return { ...noFacts, holdsLocation: mentionsPlaceIn(bytes, part.range) }
  }
}

function xmpFacts(text: string, xmps: Xmp[]): Facts {
  const xmp = readXmp(text)
  xmps.push(xmp)
  const moment = (...names: string[]) => readMoment(firstValue(xmp, ...names) ?? '')
  return {
    ...noFacts,
    original: moment('DateTimeOriginal') ?? moment('DateCreated'),
    created: moment('CreateDate'),
    location: locationOf(
      readCoordinate(firstValue(xmp, 'GPSLatitude')),
      readCoordinate(firstValue(xmp, 'GPSLongitude')),
    ),
    holdsLocation: xmp.whole ? placesIn(xmp).length > 0 : mentionsPlace(text.replaceAll('\0', '')),
    lens: cleanText(firstValue(xmp, 'LensModel', 'Lens')),
  }
}

/** PNG's registered keyword is `Creation Time`, in whatever notation. */
function textFacts(keyword: string, text: string): Facts {
  return {
    ...noFacts,
    created: /^(?:creation time|date:create)$/i.test(keyword) ? readMoment(text) : null,
    holdsLocation: mentionsPlace(keyword) || mentionsPlace(text),
  }
}

function packedFacts({ format, bytes }: Part & { kind: 'packed' }, xmps: Xmp[]): Facts {
  if (bytes === null) return { ...noFacts, holdsLocation: true }
  const all = { start: 0, end: bytes.length }
  if (format === 'xmp') return xmpFacts(latin1(bytes, 0, bytes.length), xmps)
  if (format === 'tiff') {
    const tiff = readTiff(bytes, all)
    return tiff === null ? { ...noFacts, holdsLocation: true } : readExif(bytes, tiff)
  }
  if (format === 'iptc') {
    const first = asBuffer(bytes).indexOf(Buffer.from([0x1c, 0x02]))
    return readIptc(bytes, { start: Math.max(first, 0), end: bytes.length })
  }
  return { ...noFacts, holdsLocation: mentionsPlaceIn(bytes, all) }
}

/** Any video inside an image, read in memory. */
export function readMovie(bytes: Uint8Array, range: Stretch): Movie {
  const movie = emptyMovie()
  for (const box of boxesIn(bytes, range)) {
    if (box.type === 'moov') readMoov(bytes, box, movie)
    else if (!sampleBoxes.has(box.type)) readUnknown(bytes, box, movie)
  }
  return movie
}

function movieFacts(movie: Movie): Facts {
  return {
    ...noFacts,
    created: movie.created,
    location: movie.location,
    holdsLocation: movie.holdsLocation,
    camera: cameraOf(movie),
  }
}

const maxLooked = 4 * 1024 * 1024

/** What is too long to look through counts as telling a place. */
function mentionsPlaceIn(bytes: Uint8Array, { start, end }: Stretch): boolean {
  return end - start > maxLooked || mentionsPlace(latin1(bytes, start, end))
}
