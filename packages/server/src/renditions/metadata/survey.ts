/**
 * Where in an image file metadata lies. A format's walker adds what it finds to one survey; reading and removing both
 * work from it, so that nothing can be told that could not also be taken out.
 */
import { type Stretch, startsWith, u8 } from './bytes.ts'
import { surveyGif } from './gif.ts'
import { surveyHeif } from './heif.ts'
import { surveyJpeg } from './jpeg.ts'
import { surveyJxl } from './jxl.ts'
import { surveyPng } from './png.ts'
import type { Tiff } from './tiff.ts'
import { surveyTiff } from './tiff-parts.ts'
import { surveyWebp } from './webp.ts'

/** How the container lets go of a part without moving a byte: zeros, and a name that readers pass over. */
export interface Drop {
  zero: Stretch
  rename: { at: number; name: string } | null
}

interface PartOf<Kind extends string> {
  kind: Kind
  /** False for what a second image, a preview or a trailer says: it can tell the place, but not describe the photo. */
  primary: boolean
  drop: Drop | null
}

export type Part =
  | (PartOf<'tiff'> & { tiff: Tiff; range: Stretch })
  /** Adobe XMP (ISO 16684-1); in several pieces when JPEG segments were too small for it. */
  | (PartOf<'xmp'> & { pieces: Stretch[] })
  /** IPTC-IIM datasets. */
  | (PartOf<'iptc'> & { range: Stretch })
  /** What a person or program wrote in plain words. */
  | (PartOf<'text'> & { range: Stretch; keyword: string })
  /** Compressed or in hexadecimal: can be read, and dropped, but not patched. Null is unreadable. */
  | (PartOf<'packed'> & { format: 'xmp' | 'tiff' | 'iptc' | 'text'; bytes: Uint8Array | null })
  /** The whole file, in Canon's older RAW. */
  | PartOf<'ciff'>
  /** An MP4 or MOV inside the image. */
  | (PartOf<'movie'> & { range: Stretch })
  /** Of a kind that is not known here. */
  | (PartOf<'unknown'> & { range: Stretch })

export interface Survey {
  bytes: Uint8Array
  /** Of a RAW file, whose maker notes a developer of it needs. */
  raw: boolean
  parts: Part[]
  /** True when there is more than was walked, or it could not be understood. Walkers need not go on then. */
  incomplete: boolean
  /** How many bytes of parts may still be added. */
  left: number
}

const maxParts = 4096
/** What is compressed may be larger than the file. */
const maxPacked = 32 * 1024 * 1024

/**
 * Adds a part, until there are more than any honest file has. Parts may lie over each other, so that a small file could
 * claim a great deal to read: twice its size is enough. A TIFF is walked by its entries, which are counted on their own.
 */
export function addPart(survey: Survey, part: Part): void {
  const size = sizeOf(part)
  if (survey.parts.length === maxParts || size > survey.left) {
    survey.incomplete = true
    return
  }
  survey.left -= size
  survey.parts.push(part)
}

function sizeOf(part: Part): number {
  if (part.kind === 'xmp') return part.pieces.reduce((sum, { start, end }) => sum + end - start, 0)
  if (part.kind === 'packed') return part.bytes?.length ?? 0
  return part.kind === 'tiff' || part.kind === 'ciff' ? 0 : part.range.end - part.range.start
}

/** Walks the file. Null when it is of no format that is known here. */
export function surveyImage(bytes: Uint8Array, contentType: string): Survey | null {
  const raw = contentType.startsWith('image/x-') || contentType === 'image/dng'
  const left = 2 * bytes.length + maxPacked
  const survey: Survey = { bytes, raw, parts: [], incomplete: false, left }
  const walk = walkerFor(bytes)
  if (walk === null) return null
  walk(survey)
  return survey
}

function walkerFor(bytes: Uint8Array): ((survey: Survey) => void) | null {
  if (u8(bytes, 0) === 0xff && u8(bytes, 1) === 0xd8) return surveyJpeg
  if (startsWith(bytes, 0, '\x89PNG\r\n\x1a\n')) return surveyPng
  if (startsWith(bytes, 0, 'GIF8')) return surveyGif
  if (startsWith(bytes, 0, 'RIFF') && startsWith(bytes, 8, 'WEBP')) return surveyWebp
  if (startsWith(bytes, 4, 'JXL \r\n\x87\n')) return surveyJxl
  // A bare codestream has no room for metadata.
  if (u8(bytes, 0) === 0xff && u8(bytes, 1) === 0x0a) return () => undefined
  if (startsWith(bytes, 4, 'ftyp')) return surveyHeif
  if (startsWith(bytes, 6, 'HEAPCCDR')) {
    return (survey) => addPart(survey, { kind: 'ciff', primary: true, drop: null })
  }
  if (startsWith(bytes, 0, 'II') || startsWith(bytes, 0, 'MM')) return surveyTiff
  return null
}
