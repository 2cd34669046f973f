/** Which renditions an image gets, and how large each is. */
import { type ImageSize, imageSizes } from '../media.ts'

export interface Dimensions {
  width: number
  height: number
}

export interface PlannedSize extends Dimensions {
  name: ImageSize
}

const ascending = (Object.entries(imageSizes) as [ImageSize, number][]).sort((a, b) => a[1] - b[1])

/**
 * The sizes that are made of an original, smallest first. `thumb` always is; each other one is made when the original's
 * long side is larger than that of the size below it. The long side of each is the lesser of its name's and the
 * original's, so nothing is enlarged: an original of 500 px gets `thumb` at 320 and `small` at 500, one of 320 gets `thumb`
 * alone. The short side follows the original's shape and is at least 1 px.
 */
export function planSizes(original: Dimensions, wanted: readonly ImageSize[]): PlannedSize[] {
  const long = Math.max(original.width, original.height)
  return ascending
    .filter(([, pixels], index) => index === 0 || long > (ascending[index - 1]?.[1] ?? pixels))
    .filter(([name]) => wanted.includes(name))
    .map(([name, pixels]) => ({ name, ...fit(original, pixels) }))
}

/** The dimensions within a square of `pixels`, never enlarged, never 0. */
export function fit({ width, height }: Dimensions, pixels: number): Dimensions {
  const scale = Math.min(1, pixels / Math.max(width, height))
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) }
}
