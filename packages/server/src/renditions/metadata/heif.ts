/**
 * HEIF and AVIF (ISO 23008-12): metadata are items of the `meta` box. Motion photos add a box `mpvd` with a whole MP4,
 * Samsung a box `sefd` with its trailer; sequences are movies.
 */
import { type Box, boxesIn, findBox } from './boxes.ts'
import { latin1, type Stretch, startsWith, u8, u16, unsigned } from './bytes.ts'
import { exifIn } from './jxl.ts'
import { addPart, type Survey } from './survey.ts'
import { surveyTiffAt } from './tiff-parts.ts'
import { surveySamsung, surveyTrailer } from './trailer.ts'

const harmlessBoxes = new Set(['ftyp', 'meta', 'mdat', 'idat', 'wide', 'moof', 'mfra', 'sidx', 'styp'])

/** Coded images and what is derived from them. */
const imageItems = new Set(
  'hvc1 hev1 lhv1 av01 avc1 vvc1 evc1 jpeg j2k1 unci mski grid iden iovl tmap hvt1 avt1 tile tili'.split(' '),
)

interface Item {
  id: number
  type: string
  contentType: string
  encoding: string
}

const maxItems = 20_000

export function surveyHeif(survey: Survey): void {
  const { bytes } = survey
  let end = 0
  for (const box of boxesIn(bytes, { start: 0, end: bytes.length })) {
    const { type, at, content } = box
    const drop = { zero: content, rename: { at: at + 4, name: 'free' } }
    end = content.end
    if (type === 'meta') {
      surveyItems(survey, { start: content.start + 4, end: content.end })
    } else if (type === 'moov') {
      addPart(survey, { kind: 'movie', primary: true, drop: null, range: { start: at, end: content.end } })
    } else if (type === 'mpvd') {
      addPart(survey, { kind: 'movie', primary: false, drop, range: content })
    } else if (type === 'sefd') {
      const rest = surveySamsung(survey, content)
      if (rest === content.end) addPart(survey, { kind: 'unknown', primary: false, drop, range: content })
    } else if (!harmlessBoxes.has(type)) {
      addPart(survey, { kind: 'unknown', primary: false, drop, range: content })
    }
  }
  surveyTrailer(survey, { start: end, end: bytes.length })
}

function surveyItems(survey: Survey, meta: Stretch): void {
  const { bytes } = survey
  const information = findBox(bytes, meta, 'iinf')
  const locations = findBox(bytes, meta, 'iloc')
  if (information === null || locations === null) return
  const told = new Map<number, Item>()
  for (const item of readItems(bytes, information)) if (!imageItems.has(item.type)) told.set(item.id, item)
  if (told.size === 0) return
  const data = findBox(bytes, meta, 'idat')?.content ?? null
  for (const [id, extents] of readLocations(bytes, locations, data, told)) {
    const item = told.get(id)
    if (item === undefined) continue
    const [range] = extents
    if (range !== undefined && extents.length === 1) {
      surveyItem(survey, item, range)
      continue
    }
    for (const extent of extents) {
      addPart(survey, { kind: 'unknown', primary: false, drop: { zero: extent, rename: null }, range: extent })
    }
  }
}

function surveyItem(survey: Survey, item: Item, range: Stretch): void {
  const drop = { zero: range, rename: null }
  if (item.type === 'Exif') {
    const tiff = exifIn(survey.bytes, range)
    const prefixed = startsWith(survey.bytes, tiff.start, 'Exif\0\0')
    surveyTiffAt(survey, { start: Math.min(tiff.start + (prefixed ? 6 : 0), tiff.end), end: tiff.end }, true, drop)
  } else if (item.type === 'mime' && /rdf\+xml|xmp/i.test(item.contentType)) {
    if (item.encoding === '') addPart(survey, { kind: 'xmp', primary: true, drop, pieces: [range] })
    else addPart(survey, { kind: 'packed', primary: true, drop, format: 'xmp', bytes: null })
  } else {
    addPart(survey, { kind: 'unknown', primary: false, drop, range })
  }
}

function* readItems(bytes: Uint8Array, box: Box): Generator<Item> {
  const version = u8(bytes, box.content.start)
  const start = box.content.start + 4 + (version === 0 ? 2 : 4)
  for (const { type, content } of boxesIn(bytes, { start, end: box.content.end })) {
    const entryVersion = u8(bytes, content.start)
    if (type !== 'infe' || entryVersion < 2) continue
    const idSize = entryVersion === 2 ? 2 : 4
    const id = unsigned(bytes, content.start + 4, idSize)
    const typeAt = content.start + 4 + idSize + 2
    const [, contentType = '', encoding = ''] = latin1(bytes, typeAt + 4, Math.min(content.end, typeAt + 260)).split(
      '\0',
    )
    yield { id, type: latin1(bytes, typeAt, typeAt + 4), contentType, encoding }
  }
}

/** Where the wanted items lie, within the file. */
function* readLocations(
  bytes: Uint8Array,
  { content }: Box,
  data: Stretch | null,
  wanted: Map<number, Item>,
): Generator<[number, Stretch[]]> {
  const version = u8(bytes, content.start)
  const sizes = u16(bytes, content.start + 4)
  const offsetSize = sizes >> 12
  const lengthSize = (sizes >> 8) & 15
  const baseSize = (sizes >> 4) & 15
  const indexSize = version === 0 ? 0 : sizes & 15
  const idSize = version < 2 ? 2 : 4
  let at = content.start + 6
  const count = unsigned(bytes, at, idSize)
  at += idSize
  for (let item = 0; item < Math.min(count, maxItems) && at < content.end; item += 1) {
    const id = unsigned(bytes, at, idSize)
    at += idSize
    const method = version === 0 ? 0 : u16(bytes, at) & 15
    at += version === 0 ? 0 : 2
    const base = unsigned(bytes, at + 2, baseSize)
    at += 2 + baseSize
    const extentCount = u16(bytes, at)
    at += 2
    const extents: Stretch[] = []
    for (let extent = 0; extent < extentCount && at < content.end; extent += 1) {
      if (wanted.has(id) && extents.length < 256) {
        const offset = base + unsigned(bytes, at + indexSize, offsetSize)
        const length = unsigned(bytes, at + indexSize + offsetSize, lengthSize)
        const within = extentIn(bytes, method, data, offset, length)
        if (within !== null) extents.push(within)
      }
      at += indexSize + offsetSize + lengthSize
      if (indexSize + offsetSize + lengthSize === 0) break
    }
    if (extents.length > 0) yield [id, extents]
  }
}

/** Of the file (0) or of the `idat` box (1). Length 0 is all of it. */
function extentIn(
  bytes: Uint8Array,
  method: number,
  data: Stretch | null,
  offset: number,
  length: number,
): Stretch | null {
  const whole = method === 0 ? { start: 0, end: bytes.length } : method === 1 ? data : null
  if (whole === null) return null
  const start = whole.start + offset
  const end = length === 0 ? whole.end : start + length
  return start < whole.end && end <= whole.end ? { start, end } : null
}
