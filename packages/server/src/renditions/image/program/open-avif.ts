/**
 * AVIF, decoded by libvips. Its numbers come as they are stored: what they mean, in wide or high dynamic range pictures,
 * is read from the container here and converted after they were made smaller.
 */
import sharp from 'sharp'
import { CannotDecode } from '../../media.ts'
import { fit } from '../sizes.ts'
import { asUint16, type Colour, isSrgb, toSrgb } from './colour.ts'
import { openHeif } from './heif-library.ts'
import { openWithSharp } from './open-sharp.ts'
import type { Opened, Pixels } from './raster.ts'

export async function openAvif(file: Buffer, pixels: number): Promise<Opened> {
  const bytes = asStill(file)
  const opened = { ...(await openWithSharp(bytes, 'avif', pixels)), animated: bytes !== file }
  const colour = readColour(bytes)
  if (colour === null || 'profile' in colour || isSrgb(colour)) return opened
  return {
    ...opened,
    async decode(longSide) {
      const { width, height } = fit(opened, longSide)
      const { data, info } = await sharp(bytes, { failOn: 'none', limitInputPixels: pixels })
        .resize(width, height, { fit: 'fill' })
        .toColourspace('rgb16')
        .raw({ depth: 'ushort' })
        .toBuffer({ resolveWithObject: true })
        .catch((cause: unknown) => {
          throw new CannotDecode('undecodable', String(cause), cause)
        })
      const channels = info.channels === 4 ? 4 : 3
      const decoded: Pixels = { data: asUint16(data), width: info.width, height: info.height, channels }
      return toSrgb(decoded, colour)
    },
  }
}

/** libvips knows sequences by the brand of stills alone; the first picture of both is stored alike. */
function asStill(file: Buffer): Buffer {
  if (file.toString('latin1', 8, 12) !== 'avis') return file
  const still = Buffer.from(file)
  still.write('avif', 8, 'latin1')
  return still
}

/** Null when it says nothing that can be understood. */
function readColour(file: Buffer): Colour {
  try {
    return openHeif(file, ({ colour }) => colour)
  } catch (error) {
    if (error instanceof CannotDecode) return null
    throw error
  }
}
