/** One piece of work from bytes to renditions. */
import { CannotDecode } from '../../media.ts'
import type { Work } from '../protocol.ts'
import { planSizes } from '../sizes.ts'
import { type EncodedImage, encodeSizes, thumbhash } from './encode.ts'
import { openAvif } from './open-avif.ts'
import { openHeic } from './open-heif.ts'
import { openJxl } from './open-jxl.ts'
import { openRaw } from './open-raw.ts'
import { openWithSharp } from './open-sharp.ts'
import type { Opened } from './raster.ts'
import { sniffImage } from './sniff.ts'
import { isRawTiff, readTiff } from './tiff-tags.ts'

export interface Result {
  width: number
  height: number
  animated: boolean
  thumbhash: Uint8Array
  images: EncodedImage[]
}

export async function decodeImage(bytes: Buffer, work: Work): Promise<Result> {
  const opened = await open(bytes, work.pixels)
  // The thumbhash needs a thumb, also when nobody asked for one.
  const sizes = planSizes(opened, work.sizes)
  const largest = sizes.at(-1) ?? planSizes(opened, ['thumb'])[0]
  if (largest === undefined) throw new Error('No size was planned')
  const raster = await opened.decode(Math.max(largest.width, largest.height))
  const { images, smallest } = await encodeSizes(raster, sizes, work.formats)
  return {
    width: opened.width,
    height: opened.height,
    animated: opened.animated,
    thumbhash: await thumbhash(smallest),
    images,
  }
}

async function open(bytes: Buffer, pixels: number): Promise<Opened> {
  const kind = sniffImage(bytes)
  switch (kind) {
    case null:
      throw new CannotDecode('undecodable', 'These bytes are no picture')
    case 'heic':
      return openHeic(bytes, pixels)
    case 'avif':
      return openAvif(bytes, pixels)
    case 'jxl':
      return openJxl(bytes, pixels)
    case 'raw':
      return openRaw(bytes, pixels)
    case 'tiff':
      return isRawTiff(bytes, readTiff(bytes)) ? openRaw(bytes, pixels) : openWithSharp(bytes, kind, pixels)
    default:
      return openWithSharp(bytes, kind, pixels)
  }
}
