/**
 * RAW files of cameras, by the picture that the camera itself made of them: the largest JPEG within. It is searched for
 * by its structure rather than by each maker's tags, so one way serves DNG, CR2, CR3, CRW, NEF, ARW, RAF, ORF, RW2 and PEF.
 */
import { CannotDecode } from '../../media.ts'
import { readCiffRotation } from './ciff.ts'
import { type EmbeddedJpeg, findJpegs } from './jpeg-scan.ts'
import { openWithSharp } from './open-sharp.ts'
import type { Opened } from './raster.ts'
import { holdsSensorData, readTiff } from './tiff-tags.ts'

/** Pixels on the long side below which an embedded picture is the thumbnail of the camera's screen. */
const usable = 640

export async function openRaw(file: Buffer, pixels: number): Promise<Opened> {
  const directories = readTiff(file)
  const sensorData = new Set(directories.filter(holdsSensorData).flatMap(({ dataOffsets }) => dataOffsets))
  const preview = findJpegs(file)
    .filter(({ start, width, height }) => !sensorData.has(start) && Math.max(width, height) >= usable)
    .reduce<EmbeddedJpeg | null>((best, jpeg) => (best === null || area(jpeg) > area(best) ? jpeg : best), null)
  if (preview === null) throw new CannotDecode('unsupported', 'A RAW file without a preview that could be shown')
  const orientation = directories[0]?.orientation ?? readCiffRotation(file) ?? preview.orientation ?? 1
  return openWithSharp(file.subarray(preview.start), 'jpeg', pixels, orientation)
}

const area = ({ width, height }: EmbeddedJpeg) => width * height
