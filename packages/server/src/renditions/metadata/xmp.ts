/**
 * Adobe XMP (ISO 16684-1), read as what it is on disk: XML of one byte a character here, so that every property is told
 * with its place. Names are compared without their prefix, which any program may choose; no entity is ever expanded.
 */
import { latin1, type Stretch } from './bytes.ts'

export interface XmpProperty {
  /** Without its prefix. */
  name: string
  /** Of an attribute or of the first text inside an element, as bytes. */
  value: string
  /** Where it stands in the text, name and value and all. */
  range: Stretch
}

export interface Xmp {
  properties: XmpProperty[]
  /** Names and values of the attributes of each element that has some. */
  elements: Map<string, string>[]
  comments: Stretch[]
  /** False when it is not well-formed, or more than is read: what it says is then not known for sure. */
  whole: boolean
}

/** Google's depth maps make megabytes of it. */
const maxLength = 8 * 1024 * 1024
const maxProperties = 20_000

/** The text of XMP in pieces, and where in the file a character of it lies. */
export function joinPieces(bytes: Uint8Array, pieces: Stretch[]): string {
  return pieces.map(({ start, end }) => latin1(bytes, start, end)).join('')
}

export function readXmp(text: string): Xmp {
  // Padding of zeros is usual; between letters they are those of UTF-16, which is not read.
  const wide = text.slice(0, maxLength).replace(/\0+$/, '').includes('\0')
  const xmp: Xmp = { properties: [], elements: [], comments: [], whole: text.length <= maxLength && !wide }
  const open: XmpProperty[] = []
  const end = Math.min(text.length, maxLength)
  let at = text.indexOf('<')
  while (at !== -1 && at < end) {
    if (xmp.properties.length > maxProperties) return { ...xmp, whole: false }
    const skipped = skipNonElement(text, at)
    if (skipped !== null) {
      if (text.startsWith('<!--', at)) xmp.comments.push({ start: at, end: skipped })
      at = text.indexOf('<', skipped)
      continue
    }
    const tag = readTag(text, at, end)
    if (tag === null) return { ...xmp, whole: false }
    if (tag.closes) {
      const property = open.pop()
      if (property === undefined || property.name !== tag.name) return { ...xmp, whole: false }
      property.range.end = tag.end
    } else {
      const property = { name: tag.name, value: '', range: { start: at, end: tag.end } }
      xmp.properties.push(property, ...tag.attributes)
      if (tag.attributes.length > 0) xmp.elements.push(new Map(tag.attributes.map(({ name, value }) => [name, value])))
      if (!tag.empty) open.push(property)
    }
    const next = text.indexOf('<', tag.end)
    const words = next === -1 ? '' : text.slice(tag.end, Math.min(next, tag.end + 4096)).trim()
    // `<exif:ISO><rdf:Seq><rdf:li>100`: a value belongs to the property around its list too.
    if (words !== '') for (const property of open.slice(-3)) property.value ||= words
    at = next
  }
  return open.length === 0 ? xmp : { ...xmp, whole: false }
}

/** The end of a comment, character data, declaration or instruction that begins at `at`; null when it is an element. */
function skipNonElement(text: string, at: number): number | null {
  const second = text[at + 1]
  if (second !== '!' && second !== '?') return null
  const closing = text.startsWith('<!--', at)
    ? '-->'
    : text.startsWith('<![CDATA[', at)
      ? ']]>'
      : second === '?'
        ? '?>'
        : '>'
  const end = text.indexOf(closing, at + 2)
  return end === -1 ? text.length : end + closing.length
}

interface Tag {
  name: string
  closes: boolean
  empty: boolean
  attributes: XmpProperty[]
  end: number
}

const nameEnd = /[\s/>=]/g
const notSpace = /\S/g

function search(expression: RegExp, text: string, from: number): number {
  expression.lastIndex = from
  return expression.exec(text)?.index ?? text.length
}

function readTag(text: string, at: number, end: number): Tag | null {
  const closes = text[at + 1] === '/'
  let from = at + (closes ? 2 : 1)
  let to = search(nameEnd, text, from)
  const tag: Tag = { name: localName(text.slice(from, to)), closes, empty: false, attributes: [], end: 0 }
  for (;;) {
    from = search(notSpace, text, to)
    if (from >= end) return null
    if (text[from] === '>') return { ...tag, end: from + 1 }
    if (text[from] === '/') {
      tag.empty = true
      to = from + 1
      continue
    }
    to = search(nameEnd, text, from)
    const equals = search(notSpace, text, to)
    const quoteAt = search(notSpace, text, equals + 1)
    const quote = text[quoteAt]
    if (to === from || text[equals] !== '=' || (quote !== '"' && quote !== "'")) return null
    const close = text.indexOf(quote, quoteAt + 1)
    if (close === -1 || close >= end) return null
    tag.attributes.push({
      name: localName(text.slice(from, to)),
      value: text.slice(quoteAt + 1, close),
      range: { start: from, end: close + 1 },
    })
    if (tag.attributes.length > maxProperties) return null
    to = close + 1
  }
}

function localName(name: string): string {
  return name.slice(name.lastIndexOf(':') + 1)
}

/**
 * Names under which programs write a place: EXIF's, IPTC's, DJI's (with its spelling), Microsoft's, the W3C's. A few
 * of EXIF's begin alike and tell none.
 */
const placeName =
  /^gps(?!VersionID$|MapDatum$|Differential$)|latitude|longt?itude|^(?:lat|lon|lng|long)$|location|^city|^(?:province)?state$|^country|^worldregion$|^geo|coordinates|^(?:locality|municipality|county|venue|place|address)/i
const notPlaces = new Set(['SubjectLocation', 'GPSImgDirection', 'GPSImgDirectionRef', 'GPSTimeStamp', 'GPSDateStamp'])

/** Properties that tell a place, outermost first. */
export function placesIn(xmp: Xmp): XmpProperty[] {
  return xmp.properties.filter(({ name, value }) => (placeName.test(name) && !notPlaces.has(name)) || hidesExif(value))
}

/** Second images are written into XMP in base64, at times with EXIF of their own, which stands at their beginning. */
function hidesExif(value: string): boolean {
  return value.startsWith('/9j/') && Buffer.from(value.slice(0, 4096), 'base64').includes('Exif\0')
}

export function firstValue(xmp: Xmp, ...names: string[]): string | null {
  for (const name of names) {
    const value = xmp.properties.find((property) => property.name === name && property.value.trim() !== '')?.value
    if (value !== undefined) return value.trim()
  }
  return null
}

/** A coordinate as XMP writes it: `51,31.98N`, `51,31,58.8N`, or in degrees; null when it is none. */
export function readCoordinate(text: string | null): number | null {
  const match = /^([+-]?\d+(?:\.\d+)?)(?:,(\d+(?:\.\d+)?))?(?:,(\d+(?:\.\d+)?))?\s*([NSEW])?$/i.exec(text ?? '')
  if (match === null) return null
  const degrees = Number(match[1])
  const size = Math.abs(degrees) + Number(match[2] ?? 0) / 60 + Number(match[3] ?? 0) / 3600
  return degrees < 0 || /[SW]/i.test(match[4] ?? '') ? -size : size
}
