/**
 * What the `moov` of an MP4 or QuickTime file says of when, where and with what it was taken: user data (`©xyz`, `loci`),
 * keyed metadata (`keys`/`ilst`), timed metadata tracks. Each thing that tells a place is told together with what takes
 * it out, so that reading and removing cannot disagree.
 */
import { type Box, boxesIn, findBox, metaContent } from './boxes.ts'
import { latin1, type Stretch, startsWith, u8, u16, u32, utf8 } from './bytes.ts'
import { identifier } from './exif.ts'
import { cameraName, cleanText, type Location, locationOf } from './facts.ts'
import { type Moment, plausible, readMoment } from './moments.ts'
import { mentionsPlace, readIso6709 } from './place-words.ts'
import { joinPieces, placesIn, readXmp } from './xmp.ts'

/** A box to be made a `free` one of the same size, full of zeros. */
export type Blank = { at: number; content: Stretch }

export interface Movie {
  created: Moment | null
  location: Location | null
  holdsLocation: boolean
  make: string | null
  model: string | null
  lens: string | null
  contentIdentifier: string | null
  /** Boxes that tell a place, or are of a kind that may. */
  blanks: Blank[]
  /** A track tells a place: only leaving it out removes that. */
  remux: boolean
}

export function emptyMovie(): Movie {
  return {
    created: null,
    location: null,
    holdsLocation: false,
    make: null,
    model: null,
    lens: null,
    contentIdentifier: null,
    blanks: [],
    remux: false,
  }
}

export function cameraOf({ make, model }: Movie): string | null {
  return cameraName(make, model)
}

/** Names of boxes in user data that never tell a place. Texts are looked into. */
const harmlessUserData = new Set(
  '©swr ©too ©nam ©ART ©alb ©fmt ©inf ©cpy ©cmt cprt titl auth perf gnre name vndr SDLN smrd FIRM LENS CAME SETT MUID HMMT BCID chpl hnti hinf ludt tagc WLOC LOOP SelO AllF'.split(
    ' ',
  ),
)
const harmlessMovieBoxes = new Set(['mvhd', 'iods', 'mvex', 'prfl', 'ctab', 'clip', 'rmra'])
const xmpUuid = Buffer.from('be7acfcb97a942e89c71999491e3afac', 'hex').toString('latin1')

/** Adds to `movie` what the `moov` box says. Places in `bytes` are kept as they are. */
export function readMoov(bytes: Uint8Array, moov: Box, movie: Movie): void {
  for (const box of boxesIn(bytes, moov.content)) {
    if (box.type === 'mvhd') movie.created ??= readCreationTime(bytes, box)
    else if (box.type === 'trak') readTrack(bytes, box, movie)
    else if (box.type === 'udta') readUserData(bytes, box, movie)
    else if (box.type === 'meta') readMeta(bytes, box, movie)
    else if (box.type === 'uuid') readUuid(bytes, box, movie)
    else if (box.type === 'cmov' || box.type === 'gps ') {
      // A compressed movie header; dash cameras' index of places kept among the samples.
      movie.remux = true
      movie.holdsLocation = true
    } else if (!harmlessMovieBoxes.has(box.type)) readUnknown(bytes, box, movie)
  }
}

/** Seconds since 1904, UTC. A camera whose clock knows no zone writes its own time here, which nothing tells apart. */
function readCreationTime(bytes: Uint8Array, { content }: Box): Moment | null {
  const long = u8(bytes, content.start) === 1
  const seconds = long
    ? u32(bytes, content.start + 4) * 0x1_0000_0000 + u32(bytes, content.start + 8)
    : u32(bytes, content.start + 4)
  return seconds === 0 ? null : recent(seconds * 1000 + Date.UTC(1904, 0, 1))
}

/** A clock that was never set says 1904 or 1970; there was no digital video. */
function recent(time: number): Moment | null {
  return time > Date.UTC(1970, 0, 2) ? plausible(time, 0) : null
}

function readTrack(bytes: Uint8Array, track: Box, movie: Movie): void {
  for (const box of boxesIn(bytes, track.content)) {
    if (box.type === 'udta') readUserData(bytes, box, movie)
    else if (box.type === 'meta') readMeta(bytes, box, movie)
    else if (box.type === 'uuid') readUuid(bytes, box, movie)
    else if (box.type === 'mdia' && trackTellsPlace(bytes, box)) {
      movie.remux = true
      movie.holdsLocation = true
    }
  }
}

const picturesAndSound = new Set(['vide', 'soun', 'auxv', 'pict', 'tmcd', 'clcp', 'hint', 'fdsm'])

/** Tracks of anything but pictures and sound: what is measured every second is often a place. */
function trackTellsPlace(bytes: Uint8Array, media: Box): boolean {
  const handler = findBox(bytes, media.content, 'hdlr')
  const information = findBox(bytes, media.content, 'minf')
  const table = information && findBox(bytes, information.content, 'stbl')
  const descriptions = table && findBox(bytes, table.content, 'stsd')
  const kind = handler === null ? '' : latin1(bytes, handler.content.start + 8, handler.content.start + 12)
  if (picturesAndSound.has(kind) || !descriptions) return false
  const entries = { start: descriptions.content.start + 8, end: descriptions.content.end }
  for (const { type, content } of boxesIn(bytes, entries)) {
    const words = latin1(bytes, content.start, Math.min(content.end, content.start + 65_536))
    // Apple's keyed metadata names its keys. Motion photos record how the camera moved, in no relation to the Earth.
    if (type === 'mebx' && !mentionsPlace(words)) continue
    if (type === 'mett' && /motionphoto|microvideo/.test(words)) continue
    if (type === 'tmcd') continue
    return true
  }
  return false
}

function readUserData(bytes: Uint8Array, userData: Box, movie: Movie): void {
  for (const box of boxesIn(bytes, userData.content)) {
    const { type, content } = box
    // QuickTime: a length, a language, then the text. Others leave both out.
    const sized = u16(bytes, content.start) === content.end - content.start - 4
    const text = cleanText(utf8(bytes, content.start + (sized ? 4 : 0), Math.min(content.end, content.start + 1024)))
    if (type === '\xa9xyz') tellPosition(movie, box, text)
    else if (type === 'loci') tellPlace(movie, box, readLoci(bytes, content))
    else if (type === 'meta') readMeta(bytes, box, movie)
    else if (type === 'XMP_') readXmpBox(bytes, box, content, movie)
    else if (type === '\xa9mak') movie.make ??= text
    else if (type === '\xa9mod') movie.model ??= text
    else if (type === '\xa9day') preferZoned(movie, readMoment(text ?? ''))
    else if (!harmlessUserData.has(type)) readUnknown(bytes, box, movie)
    else if (mentionsPlace(latin1(bytes, content.start, content.end))) tellPlace(movie, box, null)
  }
}

/** Text with a zone says more than the header, which is often the time the file was finished. */
function preferZoned(movie: Movie, moment: Moment | null): void {
  if (moment !== null && (moment.offset !== null || movie.created === null)) movie.created = moment
}

/** Android writes zeros where it had no fix. */
function tellPosition(movie: Movie, box: Box, text: string | null): void {
  if (/^[+-]0+(?:\.0+)?[+-]0+(?:\.0+)?\D*$/.test(text ?? '')) movie.blanks.push({ at: box.at, content: box.content })
  else tellPlace(movie, box, readIso6709(text))
}

function tellPlace(movie: Movie, { at, content }: Box, location: Location | null): void {
  movie.location ??= location
  movie.holdsLocation = true
  movie.blanks.push({ at, content })
}

/** 3GPP TS 26.244: language, a name that ends in 0, a role, then longitude, latitude and altitude of 16.16 bits. */
function readLoci(bytes: Uint8Array, content: Stretch): Location | null {
  let at = content.start + 6
  while (at < content.end && u8(bytes, at) !== 0) at += 1
  if (at + 14 > content.end) return null
  const fixed = (from: number): number => (u32(bytes, from) | 0) / 65_536
  return locationOf(fixed(at + 6), fixed(at + 2))
}

const userDataNames: Record<string, string> = {
  '\xa9xyz': 'location.ISO6709',
  '\xa9day': 'creationdate',
  '\xa9mak': 'make',
  '\xa9mod': 'model',
}

/** Apple's `keys` name the entries of `ilst` by number; without them an entry's type is its name. */
function readMeta(bytes: Uint8Array, meta: Box, movie: Movie): void {
  const range = metaContent(bytes, meta)
  const keys = readKeys(bytes, findBox(bytes, range, 'keys'))
  const list = findBox(bytes, range, 'ilst')
  for (const box of boxesIn(bytes, range)) if (box.type === 'uuid') readUuid(bytes, box, movie)
  if (list === null) return
  for (const item of boxesIn(bytes, list.content)) {
    const number = u32(bytes, item.at + 4)
    const freeform =
      item.type === '----'
        ? latin1(bytes, item.content.start, Math.min(item.content.end, item.content.start + 256))
        : null
    const key = (keys[number - 1] ?? userDataNames[item.type] ?? freeform ?? item.type).replace(
      /^com\.(?:apple\.quicktime|android)\./,
      '',
    )
    const data = findBox(bytes, item.content, 'data')
    const text =
      data && cleanText(utf8(bytes, data.content.start + 8, Math.min(data.content.end, data.content.start + 1032)))
    if (key === 'creationdate') preferZoned(movie, readMoment(text ?? ''))
    else if (key === 'make' || key === 'manufacturer') movie.make ??= text
    else if (key === 'model') movie.model ??= text
    else if (/lens_?model$/.test(key)) movie.lens ??= text
    else if (key === 'content.identifier') movie.contentIdentifier ??= identifier(text ?? '')
    else if (key === 'location.ISO6709') tellPosition(movie, item, text)
    else if (mentionsPlace(key) || mentionsPlace(latin1(bytes, item.content.start, item.content.end)))
      tellPlace(movie, item, null)
  }
}

function readKeys(bytes: Uint8Array, box: Box | null): string[] {
  if (box === null) return []
  const keys: string[] = []
  for (const { content } of boxesIn(bytes, { start: box.content.start + 8, end: box.content.end })) {
    keys.push(latin1(bytes, content.start, Math.min(content.end, content.start + 256)))
  }
  return keys
}

export function readUuid(bytes: Uint8Array, box: Box, movie: Movie): void {
  if (!startsWith(bytes, box.content.start, xmpUuid)) readUnknown(bytes, box, movie)
  else readXmpBox(bytes, box, { start: box.content.start + 16, end: box.content.end }, movie)
}

function readXmpBox(bytes: Uint8Array, box: Box, text: Stretch, movie: Movie): void {
  const xmp = readXmp(joinPieces(bytes, [text]))
  if (!xmp.whole || placesIn(xmp).length > 0) tellPlace(movie, box, null)
}

/** What is not known, and padding that an editor may not have emptied, is taken out together with places, and tells one when it has words for it. */
export function readUnknown(bytes: Uint8Array, { at, content }: Box, movie: Movie): void {
  movie.blanks.push({ at, content })
  if (mentionsPlace(latin1(bytes, content.start, content.end))) movie.holdsLocation = true
}

/** Makes a box one of padding. */
export function blankBox(bytes: Uint8Array, { at, content }: Blank): void {
  bytes.set(Buffer.from('free'), at + 4)
  bytes.fill(0, content.start, content.end)
}
