/**
 * Writes small files with metadata for tests: TIFF directories, JPEG segments, PNG chunks, RIFF chunks and ISO boxes, byte by
 * byte after their specifications and sharing nothing with the readers under test.
 */
import { crc32 } from 'node:zlib'

export interface Field {
  tag: number
  type: 'byte' | 'ascii' | 'short' | 'long' | 'rational' | 'undefined'
  /** Rationals as pairs. */
  value: string | number[] | Uint8Array
}

const typeCodes = { byte: 1, ascii: 2, short: 3, long: 4, rational: 5, undefined: 7 }
const typeSizes = { byte: 1, ascii: 1, short: 2, long: 4, rational: 8, undefined: 1 }

function encode({ type, value }: Field, littleEndian: boolean): Buffer {
  if (typeof value === 'string') return Buffer.from(type === 'ascii' ? `${value}\0` : value, 'latin1')
  if (!Array.isArray(value)) return Buffer.from(value)
  const width = type === 'rational' ? 4 : typeSizes[type]
  const bytes = Buffer.alloc(value.length * width)
  for (const [index, number] of value.entries()) {
    if (littleEndian) bytes.writeUIntLE(number, index * width, width)
    else bytes.writeUIntBE(number, index * width, width)
  }
  return bytes
}

/** A TIFF with one picture directory and, when given, its EXIF and GPS directories. */
export function tiff(
  { image = [], exif, gps }: { image?: Field[]; exif?: Field[]; gps?: Field[] },
  { littleEndian = false }: { littleEndian?: boolean } = {},
): Buffer {
  const pointers: Field[] = []
  const sizeOf = (fields: Field[]): number =>
    6 +
    fields.length * 12 +
    fields.reduce((sum, field) => sum + (lengthOf(field) > 4 ? lengthOf(field) + (lengthOf(field) % 2) : 0), 0)
  const lengthOf = (field: Field): number => encode(field, littleEndian).length
  const count = image.length + (exif ? 1 : 0) + (gps ? 1 : 0)
  let next = 8 + sizeOf(image) + (count - image.length) * 12
  for (const [tag, fields] of [
    [0x8769, exif],
    [0x8825, gps],
  ] as const) {
    if (fields === undefined) continue
    pointers.push({ tag, type: 'long', value: [next] })
    next += sizeOf(fields)
  }
  const header = Buffer.alloc(8)
  header.write(littleEndian ? 'II' : 'MM')
  const put = (buffer: Buffer, value: number, at: number, width: number): unknown =>
    littleEndian ? buffer.writeUIntLE(value, at, width) : buffer.writeUIntBE(value, at, width)
  put(header, 42, 2, 2)
  put(header, 8, 4, 4)
  const blocks: Buffer[] = [header]
  let at = 8
  for (const fields of [[...image, ...pointers], exif, gps]) {
    if (fields === undefined) continue
    const directory = Buffer.alloc(6 + fields.length * 12)
    put(directory, fields.length, 0, 2)
    const values: Buffer[] = []
    let valueAt = at + directory.length
    for (const [index, field] of fields.entries()) {
      const value = encode(field, littleEndian)
      const entry = 2 + index * 12
      put(directory, field.tag, entry, 2)
      put(directory, typeCodes[field.type], entry + 2, 2)
      put(directory, value.length / typeSizes[field.type], entry + 4, 4)
      if (value.length <= 4) value.copy(directory, entry + 8)
      else {
        put(directory, valueAt, entry + 8, 4)
        const padded = Buffer.concat([value, Buffer.alloc(value.length % 2)])
        values.push(padded)
        valueAt += padded.length
      }
    }
    blocks.push(directory, ...values)
    at = valueAt
  }
  return Buffer.concat(blocks)
}

/** Latitude and longitude in degrees as a GPS directory, to a ten-thousandth of a second. */
export function gpsFields(latitude: number, longitude: number): Field[] {
  const parts = (degrees: number): number[] => {
    const size = Math.abs(degrees)
    const minutes = (size % 1) * 60
    return [Math.floor(size), 1, Math.floor(minutes), 1, Math.round((minutes % 1) * 600_000), 10_000]
  }
  return [
    { tag: 0, type: 'byte', value: [2, 3, 0, 0] },
    { tag: 1, type: 'ascii', value: latitude < 0 ? 'S' : 'N' },
    { tag: 2, type: 'rational', value: parts(latitude) },
    { tag: 3, type: 'ascii', value: longitude < 0 ? 'W' : 'E' },
    { tag: 4, type: 'rational', value: parts(longitude) },
  ]
}

export function xmp(properties: string, inner = ''): string {
  return `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" ${properties}>${inner}</rdf:Description></rdf:RDF></x:xmpmeta>`
}

/** Segments go behind the SOI of a JPEG. */
export function jpegWith(jpeg: Uint8Array, ...segments: Buffer[]): Buffer {
  return Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)])
}

export function segment(marker: number, ...content: (Uint8Array | string)[]): Buffer {
  const data = Buffer.concat(content.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)))
  const header = Buffer.from([0xff, marker, 0, 0])
  header.writeUInt16BE(data.length + 2, 2)
  return Buffer.concat([header, data])
}

export const exifSegment = (bytes: Uint8Array): Buffer => segment(0xe1, 'Exif\0\0', bytes)
export const xmpSegment = (text: string): Buffer => segment(0xe1, 'http://ns.adobe.com/xap/1.0/\0', Buffer.from(text))

/** One Photoshop block with IPTC datasets of record 2. */
export function iptcSegment(datasets: [number: number, value: string][]): Buffer {
  const iptc = Buffer.concat(
    datasets.map(([number, value]) => {
      const header = Buffer.from([0x1c, 2, number, 0, 0])
      header.writeUInt16BE(value.length, 3)
      return Buffer.concat([header, Buffer.from(value, 'latin1')])
    }),
  )
  const block = Buffer.alloc(12)
  block.write('8BIM')
  block.writeUInt16BE(0x0404, 4)
  block.writeUInt32BE(iptc.length, 8)
  return segment(0xed, 'Photoshop 3.0\0', block, iptc, Buffer.alloc(iptc.length % 2))
}

/** Chunks go behind the IHDR of a PNG. */
export function pngWith(png: Uint8Array, ...chunks: Buffer[]): Buffer {
  return Buffer.concat([png.subarray(0, 33), ...chunks, png.subarray(33)])
}

export function chunk(type: string, ...content: (Uint8Array | string)[]): Buffer {
  const data = Buffer.concat(
    [type, ...content].map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)),
  )
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length - 4)
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32(data))
  return Buffer.concat([length, data, checksum])
}

/** Appends RIFF chunks to a WebP. Its VP8X flags are not touched. */
export function webpWith(webp: Uint8Array, ...chunks: [type: string, data: Buffer][]): Buffer {
  const file = Buffer.concat([
    webp,
    ...chunks.map(([type, data]) => {
      const header = Buffer.alloc(8)
      header.write(type)
      header.writeUInt32LE(data.length, 4)
      return Buffer.concat([header, data, Buffer.alloc(data.length % 2)])
    }),
  ])
  file.writeUInt32LE(file.length - 8, 4)
  return file
}

export function box(type: string, ...content: (Uint8Array | string)[]): Buffer {
  const data = Buffer.concat(content.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)))
  const header = Buffer.alloc(8)
  header.writeUInt32BE(data.length + 8)
  header.write(type, 4, 'latin1')
  return Buffer.concat([header, data])
}

export function uint32(...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 4)
  for (const [index, number] of numbers.entries()) bytes.writeUInt32BE(number >>> 0, index * 4)
  return bytes
}

export function uint16(...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 2)
  for (const [index, number] of numbers.entries()) bytes.writeUInt16BE(number, index * 2)
  return bytes
}

/** A movie without samples to speak of; `created` is in seconds since 1904. */
export function movie({ created = 0, boxes = [] }: { created?: number; boxes?: Buffer[] } = {}): Buffer {
  const header = box('mvhd', uint32(0, created, created, 1000, 0), Buffer.alloc(80))
  return Buffer.concat([
    box('ftyp', 'isom', uint32(0), 'isommp42'),
    box('mdat', 'samples'),
    box('moov', header, ...boxes),
  ])
}

/** Apple's keyed metadata. */
export function keyed(values: Record<string, string>): Buffer {
  const names = Object.keys(values)
  const keys = names.map((name) => box('mdta', name))
  const items = Object.values(values).map((value, index) => {
    const item = box('item', box('data', uint32(1, 0), Buffer.from(value)))
    item.writeUInt32BE(index + 1, 4)
    return item
  })
  const handler = box('hdlr', uint32(0, 0), 'mdta', Buffer.alloc(13))
  return box('meta', handler, box('keys', uint32(0, names.length), ...keys), box('ilst', ...items))
}

/** QuickTime's user text: length, language, text. */
export function userText(type: string, text: string): Buffer {
  return box(type, uint16(text.length, 0x15c7), text)
}

/** A track of `handler` whose samples are described by `format`. */
export function track(handler: string, format: string, description: Uint8Array = Buffer.alloc(8)): Buffer {
  const descriptions = box('stsd', uint32(0, 1), box(format, description))
  return box(
    'trak',
    box('mdia', box('hdlr', uint32(0, 0), handler, Buffer.alloc(13)), box('minf', box('stbl', descriptions))),
  )
}

/** A HEIF of one item for each of `items`, with their bytes in `mdat` and nothing to be seen. */
export function heif(items: { type: string; contentType?: string; data: Uint8Array }[], ...behind: Buffer[]): Buffer {
  const ftyp = box('ftyp', 'heic', uint32(0), 'mif1heic')
  const build = (first: number): Buffer => {
    let at = first
    const locations = items.map(({ data }, index) => {
      const location = Buffer.concat([uint16(index + 1, 0, 1), uint32(at, data.length)])
      at += data.length
      return location
    })
    const entries = items.map(({ type, contentType }, index) =>
      box(
        'infe',
        uint32(0x0200_0000),
        uint16(index + 1, 0),
        type,
        '\0',
        contentType === undefined ? '' : `${contentType}\0`,
      ),
    )
    return box(
      'meta',
      uint32(0),
      box('hdlr', uint32(0, 0), 'pict', Buffer.alloc(13)),
      box('iinf', uint32(0), uint16(items.length), ...entries),
      box('iloc', uint32(0), Buffer.from([0x44, 0]), uint16(items.length), ...locations),
    )
  }
  const start = ftyp.length + build(0).length + 8
  return Buffer.concat([ftyp, build(start), box('mdat', ...items.map(({ data }) => data)), ...behind])
}

/** Samsung's trailer with one block, as its gallery writes it behind a JPEG. */
export function samsungTrailer(name: string, data: Uint8Array): Buffer {
  const le = (...numbers: number[]): Buffer => Buffer.from(Uint32Array.from(numbers).buffer)
  const block = Buffer.concat([Buffer.from([0, 0, 0x30, 0x0a]), le(name.length), Buffer.from(name), data])
  const directory = Buffer.concat([
    Buffer.from('SEFH'),
    le(106, 1),
    Buffer.from([0, 0, 0x30, 0x0a]),
    le(block.length, block.length),
  ])
  return Buffer.concat([block, directory, le(directory.length), Buffer.from('SEFT')])
}
