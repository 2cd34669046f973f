/**
 * The video of a motion photo. Google's Motion Photo format 1.0 names its length in a directory in XMP, its older
 * MicroVideo the distance from the end of the file; Samsung and HEIF have containers for it, which the walkers found.
 */
import type { MediaMetadata } from '../media.ts'
import { type Stretch, startsWith } from './bytes.ts'
import type { Survey } from './survey.ts'
import { firstValue, type Xmp } from './xmp.ts'

export function motionIn({ bytes, parts }: Survey, xmps: Xmp[]): MediaMetadata['motion'] {
  const isMovie = ({ start, end }: Stretch): boolean => end - start >= 16 && startsWith(bytes, start + 4, 'ftyp')
  for (const distance of distancesFromEnd(xmps)) {
    const told = { start: bytes.length - distance.fromEnd, end: bytes.length - distance.fromEnd + distance.length }
    if (told.start > 0 && told.end <= bytes.length && isMovie(told))
      return { start: told.start, length: distance.length }
  }
  // What an editor made longer or shorter after the directory was written still lies where the walk found it.
  const found = parts.find((part) => part.kind === 'movie' && !part.primary && isMovie(part.range))
  return found?.kind === 'movie' ? { start: found.range.start, length: found.range.end - found.range.start } : null
}

function* distancesFromEnd(xmps: Xmp[]): Generator<{ fromEnd: number; length: number }> {
  for (const xmp of xmps) {
    const items = xmp.elements.filter((attributes) => attributes.has('Semantic'))
    const index = items.findIndex((attributes) => attributes.get('Semantic') === 'MotionPhoto')
    if (index >= 0) {
      const lengths = items.slice(index).map((attributes) => Number(attributes.get('Length')))
      const [length = Number.NaN] = lengths
      const fromEnd = lengths.reduce((sum, value) => sum + value, 0)
      if (length > 0 && Number.isSafeInteger(fromEnd)) yield { fromEnd, length }
    }
    const offset = Number(firstValue(xmp, 'MicroVideoOffset') ?? Number.NaN)
    if (offset > 0 && Number.isSafeInteger(offset)) yield { fromEnd: offset, length: offset }
  }
}
