/** Boxes of the ISO base media file format (ISO 14496-12): MP4, QuickTime, HEIF, JPEG XL. */
import { latin1, type Stretch, u32, u64 } from './bytes.ts'

export interface Box {
  type: string
  /** From its size to its end. */
  at: number
  content: Stretch
}

const maxBoxes = 10_000

/** The boxes directly in `range`, until the first thing that is none. */
export function* boxesIn(bytes: Uint8Array, range: Stretch): Generator<Box> {
  let at = range.start
  for (let count = 0; at + 8 <= range.end && count < maxBoxes; count += 1) {
    const small = u32(bytes, at)
    const header = small === 1 ? 16 : 8
    const size = small === 1 ? u64(bytes, at + 8) : small === 0 ? range.end - at : small
    // A list may end in four zero bytes (QuickTime user data) or in damage.
    if (size < header) return
    const content = { start: Math.min(at + header, range.end), end: Math.min(at + size, range.end) }
    yield { type: latin1(bytes, at + 4, at + 8), at, content }
    at += size
  }
}

export function findBox(bytes: Uint8Array, range: Stretch, type: string): Box | null {
  for (const box of boxesIn(bytes, range)) if (box.type === type) return box
  return null
}

/** QuickTime's `meta` has boxes at once, ISO's a version and flags before them. */
export function metaContent(bytes: Uint8Array, { content }: Box): Stretch {
  const plain = latin1(bytes, content.start + 4, content.start + 8) === 'hdlr'
  return plain ? content : { start: Math.min(content.start + 4, content.end), end: content.end }
}

/** Boxes of a file, beside `moov`, that hold samples or say where those are. */
export const sampleBoxes = new Set('ftyp mdat wide pdin moof mfra sidx ssix styp prft'.split(' '))

export const paddingBoxes = new Set(['free', 'skip'])
