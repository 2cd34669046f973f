/** Matroska and WebM (RFC 9559): the date of the segment, and tags. */
import type { MediaMetadata } from '../media.ts'
import { latin1, u8, unsigned, utf8 } from './bytes.ts'
import { identifier } from './exif.ts'
import { cameraName, noMetadata } from './facts.ts'
import { plausible, readMoment } from './moments.ts'
import { mentionsPlace, readIso6709 } from './place-words.ts'
import type { Source } from './video.ts'

const ids = {
  header: 0x1a45dfa3,
  segment: 0x18538067,
  information: 0x1549a966,
  date: 0x4461,
  tags: 0x1254c367,
  tag: 0x7373,
  simpleTag: 0x67c8,
  tagName: 0x45a3,
  tagString: 0x4487,
  attachments: 0x1941a469,
} as const

interface Element {
  id: number
  start: number
  end: number
}

const maxElements = 5000
const maxRead = 4 * 1024 * 1024

export async function readMatroska(source: Source): Promise<MediaMetadata> {
  const metadata: MediaMetadata = { ...noMetadata }
  const tags = new Map<string, string>()
  let at = 0
  for (let count = 0; count < maxElements && at < source.size; count += 1) {
    const element = readElement(await source.read(at, Math.min(at + 12, source.size)), 0, at, source.size)
    if (element === null) break
    at = element.id === ids.segment ? element.start : element.end
    if (element.id === ids.attachments) metadata.holdsLocation = true
    if (element.id !== ids.information && element.id !== ids.tags) continue
    const bytes = await source.read(element.start, Math.min(element.end, element.start + maxRead))
    const whole = { id: element.id, start: 0, end: bytes.length }
    if (element.id === ids.information) metadata.capturedAt ??= readDate(bytes, whole)
    else readTags(bytes, whole, tags, 0)
  }
  const first = (...names: string[]): string | null =>
    names.map((name) => tags.get(name)).find((value) => value !== undefined) ?? null
  // The first is Matroska's own name, the others are what ffmpeg makes of QuickTime's.
  const place = first('RECORDING_LOCATION', 'LOCATION', 'COM.APPLE.QUICKTIME.LOCATION.ISO6709', 'LOCATION-ENG')
  const moment = readMoment(first('COM.APPLE.QUICKTIME.CREATIONDATE', 'DATE_RECORDED', 'CREATION_TIME') ?? '')
  return {
    ...metadata,
    capturedAt: moment?.date ?? metadata.capturedAt,
    offset: moment ? moment.offset : metadata.capturedAt === null ? null : 0,
    location: readIso6709(place),
    holdsLocation:
      metadata.holdsLocation || [...tags].some(([name, value]) => mentionsPlace(name) || mentionsPlace(value)),
    camera: cameraName(
      first('COM.APPLE.QUICKTIME.MAKE', 'COM.ANDROID.MANUFACTURER'),
      first('COM.APPLE.QUICKTIME.MODEL', 'COM.ANDROID.MODEL'),
    ),
    contentIdentifier: identifier(first('COM.APPLE.QUICKTIME.CONTENT.IDENTIFIER') ?? ''),
  }
}

/** An element's header at `at` of `bytes`, which lie at `base` of the file. An unknown size reaches to `end`. */
function readElement(bytes: Uint8Array, at: number, base: number, end: number): Element | null {
  const idLength = Math.clz32(u8(bytes, at)) - 23
  const sizeAt = at + idLength
  const sizeLength = Math.clz32(u8(bytes, sizeAt)) - 23
  if (idLength > 4 || sizeLength > 8) return null
  const first = u8(bytes, sizeAt) & (0xff >> sizeLength)
  const size = first * 256 ** (sizeLength - 1) + unsigned(bytes, sizeAt + 1, sizeLength - 1)
  const unknown = size === 2 ** (7 * sizeLength) - 1
  const start = base + sizeAt + sizeLength
  if (start > end) return null
  return { id: unsigned(bytes, at, idLength), start, end: unknown ? end : Math.min(start + size, end) }
}

function* elementsIn(bytes: Uint8Array, { start, end }: Element): Generator<Element> {
  let at = start
  for (let count = 0; at < end && count < maxElements; count += 1) {
    const element = readElement(bytes, at, 0, end)
    if (element === null) return
    yield element
    at = element.end
  }
}

/** Nanoseconds since 2001, UTC. */
function readDate(bytes: Uint8Array, information: Element): Date | null {
  for (const { id, start, end } of elementsIn(bytes, information)) {
    if (id !== ids.date || end - start !== 8) continue
    const nanoseconds = Buffer.from(bytes.subarray(start, end)).readBigInt64BE()
    return plausible(Number(nanoseconds / 1_000_000n) + Date.UTC(2001, 0, 1), 0)?.date ?? null
  }
  return null
}

function readTags(bytes: Uint8Array, within: Element, tags: Map<string, string>, depth: number): void {
  let name = ''
  for (const element of elementsIn(bytes, within)) {
    if ((element.id === ids.tag || element.id === ids.simpleTag) && depth < 4) readTags(bytes, element, tags, depth + 1)
    else if (element.id === ids.tagName) name = latin1(bytes, element.start, element.end).toUpperCase()
    else if (element.id === ids.tagString && tags.size < 1000 && !tags.has(name)) {
      tags.set(name, utf8(bytes, element.start, Math.min(element.end, element.start + 4096)))
    }
  }
}
