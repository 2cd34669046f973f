/**
 * The one decode of an original: its pixels at the largest size anybody asked for, in 8-bit sRGB. Everything else is made
 * from those, so the full picture is never held when the decoder can avoid it.
 */
import type { SharpOptions } from 'sharp'

export interface Raster {
  data: Buffer
  width: number
  height: number
  channels: 3 | 4
}

/** Decoded, in whatever colour space; 16-bit numbers use all 16 bits. */
export interface Pixels {
  data: Buffer | Uint16Array
  width: number
  height: number
  channels: 3 | 4
}

/** An opened original, whose size is known and whose pixels are not decoded yet. */
export interface Opened {
  /** Upright. */
  width: number
  height: number
  animated: boolean
  /** Upright pixels within a square of `longSide`, not enlarged. */
  decode(longSide: number): Promise<Raster>
}

/** The pixels as an input of sharp, without a copy. */
export function rawOf({ width, height, channels }: Pixels): SharpOptions {
  return { raw: { width, height, channels }, limitInputPixels: false }
}
