/**
 * Which files are media, by what their bytes say (`file-type` reads the signature) and by what was declared. The
 * signature decides; the declared type only has to be of the same family, since phones and browsers disagree about the
 * names (a QuickTime file named `.mp4`, a HEIF called HEIC).
 */
import { extname } from 'node:path'
import { type Detector, FileTypeParser } from 'file-type'
import type { AssetKind } from '../engines/database/schema.ts'

/** Bytes from the start of a file that suffice to recognise every accepted type. */
export const sampleSize = 16_384

/** Families of names for what is one format to us. The first name is the one we give it. */
const families = {
  jpeg: ['image/jpeg', 'image/jpg', 'image/pjpeg', 'image/mpo'],
  png: ['image/png', 'image/apng', 'image/vnd.mozilla.apng'],
  gif: ['image/gif'],
  webp: ['image/webp'],
  heif: ['image/heic', 'image/heif', 'image/heic-sequence', 'image/heif-sequence', 'image/avif', 'image/avif-sequence'],
  jxl: ['image/jxl'],
  svg: ['image/svg+xml'],
  crw: ['image/x-canon-crw'],
  // RAW formats are TIFF inside, and only tags deep in the file tell them apart.
  tiff: [
    'image/tiff',
    'image/x-adobe-dng',
    'image/dng',
    'image/x-canon-cr2',
    'image/x-canon-cr3',
    'image/x-nikon-nef',
    'image/x-sony-arw',
    'image/x-gopro-gpr',
    'image/x-panasonic-rw2',
    'image/x-olympus-orf',
    'image/x-fujifilm-raf',
    'image/x-pentax-pef',
  ],
  bmff: ['video/mp4', 'video/quicktime', 'video/x-m4v', 'video/3gpp', 'video/3gpp2', 'audio/mp4', 'audio/x-m4a'],
  matroska: ['video/webm', 'video/x-matroska', 'video/matroska'],
  avi: ['video/x-msvideo', 'video/vnd.avi', 'video/avi'],
  mpeg: ['video/mpeg', 'video/mp1s', 'video/mp2p', 'video/MP1S', 'video/MP2P'],
  ts: ['video/mp2t', 'video/MP2T'],
  asf: ['video/x-ms-wmv', 'video/x-ms-asf', 'application/vnd.ms-asf'],
} as const satisfies Record<string, readonly string[]>

type Family = keyof typeof families

const familyOf = new Map<string, Family>(
  Object.entries(families).flatMap(([family, names]) => names.map((name) => [name.toLowerCase(), family as Family])),
)

const byExtension: Record<string, string> = {
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.jpe': 'image/jpeg',
  '.mpo': 'image/jpeg',
  '.png': 'image/png',
  '.apng': 'image/png',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
  '.heic': 'image/heic',
  '.heif': 'image/heif',
  '.hif': 'image/heif',
  '.avif': 'image/avif',
  '.avifs': 'image/avif',
  '.jxl': 'image/jxl',
  '.svg': 'image/svg+xml',
  '.tif': 'image/tiff',
  '.tiff': 'image/tiff',
  '.dng': 'image/x-adobe-dng',
  '.cr2': 'image/x-canon-cr2',
  '.cr3': 'image/x-canon-cr3',
  '.crw': 'image/x-canon-crw',
  '.nef': 'image/x-nikon-nef',
  '.arw': 'image/x-sony-arw',
  '.gpr': 'image/x-gopro-gpr',
  '.rw2': 'image/x-panasonic-rw2',
  '.orf': 'image/x-olympus-orf',
  '.raf': 'image/x-fujifilm-raf',
  '.pef': 'image/x-pentax-pef',
  '.mp4': 'video/mp4',
  '.m4v': 'video/x-m4v',
  '.mov': 'video/quicktime',
  '.qt': 'video/quicktime',
  '.3gp': 'video/3gpp',
  '.3g2': 'video/3gpp2',
  '.webm': 'video/webm',
  '.mkv': 'video/x-matroska',
  '.avi': 'video/x-msvideo',
  '.mpg': 'video/mpeg',
  '.mpeg': 'video/mpeg',
  '.ts': 'video/mp2t',
  '.mts': 'video/mp2t',
  '.m2ts': 'video/mp2t',
  '.wmv': 'video/x-ms-wmv',
  '.asf': 'video/x-ms-asf',
}

/** Declared by whoever does not know: the name's extension, and at last the bytes, decide. */
const unknownTypes = new Set([
  '',
  'application/octet-stream',
  'binary/octet-stream',
  'application/x-www-form-urlencoded',
])

/** The type to record for a plan: what was declared, or what the name suggests; null when it is no media. */
export function declaredType(contentType: string | null, filename: string): string | null {
  const essence = (contentType ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  if (unknownTypes.has(essence)) return byExtension[extname(filename).toLowerCase()] ?? 'application/octet-stream'
  return familyOf.has(essence) ? essence : null
}

export interface MediaType {
  contentType: string
  kind: AssetKind
}

/**
 * What the first `sampleSize` bytes say a file is, given what was declared; null when they are no media or of another
 * family than declared. A RAW file keeps its declared name, since its signature only says TIFF.
 */
export async function recogniseMedia(sample: Uint8Array, declared: string): Promise<MediaType | null> {
  const found = (await parser.fromBuffer(sample))?.mime.split(';')[0]?.toLowerCase()
  const family = found === undefined ? undefined : familyOf.get(found)
  if (found === undefined || family === undefined) return null
  const isKnown = declared !== 'application/octet-stream'
  if (isKnown && familyOf.get(declared) !== family) return null
  const contentType =
    family === 'tiff' && isKnown ? declared : family === 'bmff' && found.startsWith('audio/') ? 'video/mp4' : found
  return { contentType, kind: contentType.startsWith('image/') ? 'image' : 'video' }
}

const ascii = (bytes: Uint8Array, start: number, end: number) =>
  Buffer.from(bytes.subarray(start, end)).toString('latin1')

/** Canon's older RAW: CIFF, "II" and "HEAPCCDR" at byte 6 (CIFF specification 1.0). */
const ciff: Detector = {
  id: 'ciff',
  async detect(tokenizer) {
    const head = new Uint8Array(14)
    await tokenizer.peekBuffer(head, { mayBeLess: true })
    return ascii(head, 6, 14) === 'HEAPCCDR' ? { ext: 'crw', mime: 'image/x-canon-crw' } : undefined
  },
}

/**
 * TIFF whose directory lies behind the pixels, where most programs write it: `file-type` looks for that to name RAW formats,
 * and gives up when the sample ends before it.
 */
const tiff: Detector = {
  id: 'tiff',
  async detect(tokenizer) {
    const head = new Uint8Array(8)
    await tokenizer.peekBuffer(head, { mayBeLess: true })
    const order = ascii(head, 0, 4)
    if (order !== 'II*\0' && order !== 'MM\0*') return undefined
    const directory = new DataView(head.buffer).getUint32(4, order === 'II*\0')
    return directory + 2 > sampleSize ? { ext: 'tif', mime: 'image/tiff' } : undefined
  },
}

/** SVG has no signature: a document whose first element is `svg`, after at most a prolog, comments and a doctype. */
const svg: Detector = {
  id: 'svg',
  async detect(tokenizer) {
    const head = new Uint8Array(4096)
    const length = await tokenizer.peekBuffer(head, { mayBeLess: true })
    const start = Buffer.from(head.subarray(0, length))
      .toString('utf8')
      .replace(/^\ufeff/, '')
      .trimStart()
    if (!start.startsWith('<')) return undefined
    const withoutProlog = start.replace(
      /^(?:\s*(?:<\?[^>]*\?>|<!--[\s\S]*?-->|<!DOCTYPE\s[^[>]*(?:\[[\s\S]*?\]\s*)?>))*\s*/i,
      '',
    )
    return /^<(?:[a-z]+:)?svg[\s>/]/i.test(withoutProlog) ? { ext: 'svg', mime: 'image/svg+xml' } : undefined
  },
}

/** QuickTime files of before 2001 have no `ftyp`; they start with one of these boxes (QuickTime File Format, 2001). */
const oldQuickTime: Detector = {
  id: 'quicktime',
  async detect(tokenizer) {
    const head = new Uint8Array(8)
    await tokenizer.peekBuffer(head, { mayBeLess: true })
    return ['moov', 'mdat', 'wide', 'free', 'skip', 'pnot'].includes(ascii(head, 4, 8))
      ? { ext: 'mov', mime: 'video/quicktime' }
      : undefined
  },
}

const parser = new FileTypeParser({ customDetectors: [ciff, tiff, svg, oldQuickTime] })
