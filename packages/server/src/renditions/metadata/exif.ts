/** EXIF 3.0 (CIPA DC-008) and Apple's maker note, out of the directories of a TIFF. */
import type { Exposure } from '../../engines/database/schema.ts'
import { latin1, type Stretch, startsWith, utf8 } from './bytes.ts'
import { cameraName, cleanText, type Facts, type Location, locationOf } from './facts.ts'
import { type Moment, offsetBetween, plausible, readMoment, readOffset } from './moments.ts'
import { mentionsPlace } from './place-words.ts'
import { type Entry, type Ifd, type IfdKind, numbers, readIfd, type Tiff, tags } from './tiff.ts'

/** GPS latitude and longitude, those of the destination, and the name of the area. */
const placeTags = new Set([0x0002, 0x0004, 0x0014, 0x0016, 0x001c])

/** GeoTIFF: where on Earth the pixels of a map lie. */
export const geoTiffTags = new Set([0x830e, 0x8482, 0x85d8, 0x87af, 0x87b0, 0x87b1])

interface Look {
  bytes: Uint8Array
  tiff: Tiff
}

export function readExif(bytes: Uint8Array, tiff: Tiff): Facts {
  const look = { bytes, tiff }
  const position = readPosition(look)
  const offset = (tag: number): number | null => readOffset(text(look, ['exif'], tag) ?? '')
  const satellites = readSatelliteTime(look)
  const moment = (dateTag: number, subsecondTag: number, offsetTag: number): Moment | null => {
    const date = text(look, ['exif', 'image'], dateTag)
    if (date === null) return null
    const zone = offset(offsetTag) ?? offset(0x9010)
    const read = readMoment(date, zone, text(look, ['exif'], subsecondTag) ?? '')
    if (read === null || read.offset !== null || satellites === null) return read
    return plausible(read.date.getTime(), offsetBetween(read.date.getTime(), satellites))
  }
  return {
    original: moment(0x9003, 0x9291, 0x9011),
    created: moment(0x9004, 0x9292, 0x9012),
    changed: moment(0x0132, 0x9290, 0x9010),
    location: position,
    holdsLocation: tiff.ifds.some((ifd) => placesInIfd(bytes, tiff, ifd).length > 0),
    camera: cameraName(
      text(look, ['image'], tags.make),
      text(look, ['image'], tags.model) ?? text(look, ['image'], 0xc614),
    ),
    lens:
      cleanText(text(look, ['exif', 'image'], 0xa434)) ?? lensName(numbersOf(look, ['exif', 'image'], 0xa432, 0xc630)),
    exposure: readExposure(look),
    contentIdentifier: readAppleIdentifier(look),
  }
}

function find({ tiff }: Look, kinds: IfdKind[], tag: number): Entry | null {
  for (const kind of kinds) {
    for (const ifd of tiff.ifds) {
      if (ifd.kind !== kind) continue
      const entry = ifd.entries.find((candidate) => candidate.tag === tag)
      if (entry !== undefined) return entry
    }
  }
  return null
}

function text(look: Look, kinds: IfdKind[], tag: number): string | null {
  const entry = find(look, kinds, tag)
  // A few programs write words as bytes; numbers are no words.
  if (entry === null || ![1, 2, 7].includes(entry.type)) return null
  const { start, end } = entry.value
  return utf8(look.bytes, start, Math.min(end, start + 1024)).replace(/\0.*$/s, '')
}

function numbersOf(look: Look, kinds: IfdKind[], ...wanted: number[]): number[] {
  for (const tag of wanted) {
    const entry = find(look, kinds, tag)
    if (entry !== null && entry.type !== 2) return numbers(look.bytes, entry, look.tiff.littleEndian)
  }
  return []
}

/** The first number that is above 0 and finite. */
function positive(look: Look, ...wanted: number[]): number | null {
  for (const tag of wanted) {
    const [value = Number.NaN] = numbersOf(look, ['exif', 'image'], tag)
    if (value > 0 && Number.isFinite(value)) return value
  }
  return null
}

/** Comments and descriptions: UserComment, and what Windows writes in UTF-16. */
const words = new Set([0x9286, 0x9c9b, 0x9c9c, 0x9c9d, 0x9c9e, 0x9c9f])

/** Longer texts are not looked through, and count as telling a place. */
const maxWords = 16_384

/** Entries that tell a place, whether or not it can be read. Zeros are what a camera writes that found none. */
export function placesInIfd(bytes: Uint8Array, tiff: Tiff, ifd: Ifd): Entry[] {
  return ifd.entries.filter((entry) => {
    const { tag, type, value } = entry
    if (ifd.kind === 'gps' && placeTags.has(tag)) {
      // In another segment, or lost.
      if (value.start === value.end) return entry.count > 0
      const places =
        type === 5 || type === 10 ? numbers(bytes, entry, tiff.littleEndian) : bytes.subarray(value.start, value.end)
      return places.some((number) => number !== 0 && !Number.isNaN(number))
    }
    if (ifd.kind !== 'gps' && geoTiffTags.has(tag)) return true
    if (type !== 2 && !words.has(tag)) return false
    return (
      value.end - value.start > maxWords || mentionsPlace(latin1(bytes, value.start, value.end).replaceAll('\0', ''))
    )
  })
}

function readPosition(look: Look): Location | null {
  return locationOf(
    degrees(numbersOf(look, ['gps'], 0x0002), text(look, ['gps'], 0x0001), 'N', 'S'),
    degrees(numbersOf(look, ['gps'], 0x0004), text(look, ['gps'], 0x0003), 'E', 'W'),
  )
}

/** Degrees, minutes, seconds, of which the later ones may be absent; null without a hemisphere, which is half the Earth. */
function degrees(
  parts: number[],
  hemisphere: string | null,
  positiveName: string,
  negativeName: string,
): number | null {
  const [whole = Number.NaN, minutes = 0, seconds = 0] = parts
  const size = whole + minutes / 60 + seconds / 3600
  const side = hemisphere?.trim().toUpperCase()
  if (!Number.isFinite(size) || (side !== positiveName && side !== negativeName)) return null
  return side === negativeName ? 0 - size : size
}

/** The moment by GPS, which is UTC, in milliseconds. */
function readSatelliteTime(look: Look): number | null {
  const [hour = Number.NaN, minute = Number.NaN, second = Number.NaN] = numbersOf(look, ['gps'], 0x0007)
  const midnight = readMoment(`${text(look, ['gps'], 0x001d) ?? ''} 00:00:00`)
  const time = (midnight?.date.getTime() ?? Number.NaN) + ((hour * 60 + minute) * 60 + second) * 1000
  return Number.isFinite(time) ? time : null
}

function readExposure(look: Look): Exposure | null {
  const iso = positive(look, 0x8827)
  const exposure: Exposure = {
    exposureTime: positive(look, 0x829a) ?? fromApex(numbersOf(look, ['exif'], 0x9201), (value) => 2 ** -value),
    fNumber: positive(look, 0x829d) ?? fromApex(numbersOf(look, ['exif'], 0x9202), (value) => 2 ** (value / 2)),
    // 65535 says that the number is too large for its field, and stands in another.
    iso: iso === null || iso === 65_535 ? (positive(look, 0x8833, 0x8832, 0x8831) ?? iso) : iso,
    focalLength: positive(look, 0x920a),
    focalLength35: positive(look, 0xa405),
  }
  return Object.values(exposure).every((value) => value === null) ? null : exposure
}

/** APEX values (EXIF annex C), for cameras that write nothing else. */
function fromApex([value = Number.NaN]: number[], convert: (value: number) => number): number | null {
  const result = Math.round(convert(value) * 1e6) / 1e6
  return Number.isFinite(result) && result > 0 ? result : null
}

/** LensSpecification: shortest and longest focal length, and the smallest f-number at each. */
function lensName(specification: number[]): string | null {
  const [short = 0, long = 0, wide = Number.NaN, tele = Number.NaN] = specification
  if (!(short > 0 && Number.isFinite(short))) return null
  const round = (value: number): number => Math.round(value * 10) / 10
  const range = (from: number, to: number): string =>
    from === to || !(to > 0 && Number.isFinite(to)) ? `${round(from)}` : `${round(from)}-${round(to)}`
  return `${range(short, long)}mm${wide > 0 && Number.isFinite(wide) ? ` f/${range(wide, tele)}` : ''}`
}

/** Apple's maker note is a directory of its own, whose values count from the note's first byte. */
export function readAppleNote(bytes: Uint8Array, note: Stretch): Ifd | null {
  if (!startsWith(bytes, note.start, 'Apple iOS\0')) return null
  return readIfd(bytes, note, note.start, 14, startsWith(bytes, note.start + 12, 'II'), 'maker', 256)
}

function readAppleIdentifier(look: Look): string | null {
  const note = find(look, ['exif'], tags.makerNote)
  const entry =
    note && readAppleNote(look.bytes, note.value)?.entries.find(({ tag, type }) => tag === 0x0011 && type === 2)
  return entry ? identifier(latin1(look.bytes, entry.value.start, entry.value.end)) : null
}

/** What joins the two files of a Live Photo is a UUID; anything else would join strangers. */
export function identifier(text: string): string | null {
  return /^([0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12})\0*$/i.exec(text)?.[1]?.toUpperCase() ?? null
}
