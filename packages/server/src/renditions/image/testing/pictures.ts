/** Pictures that tests draw, and how they look at what was made of them. */
import { Readable } from 'node:stream'
import sharp, { type Sharp } from 'sharp'
import type { DecodedImage, ImageSource, ImageWanted } from '../index.ts'

export const everySize: ImageWanted = {
  sizes: ['thumb', 'small', 'preview', 'large'],
  metadata: false,
  priority: 'interactive',
}

export function sourceOf(bytes: Uint8Array, contentType = 'image/jpeg'): ImageSource {
  return { size: bytes.length, contentType, open: async () => Readable.from([bytes]) }
}

/** Four quarters: red and green above, blue and yellow below. */
export function drawQuarters(width: number, height: number): Sharp {
  const half = { width: Math.ceil(width / 2), height: Math.ceil(height / 2) }
  const quarter = (background: string) => ({ create: { ...half, channels: 3 as const, background } })
  return sharp({ create: { width, height, channels: 3, background: '#ff0000' } }).composite([
    { input: quarter('#00ff00'), left: width - half.width, top: 0 },
    { input: quarter('#0000ff'), left: 0, top: height - half.height },
    { input: quarter('#ffff00'), left: width - half.width, top: height - half.height },
  ])
}

export function madeOf(decoded: DecodedImage, name: string): Uint8Array {
  const image = decoded.images.find((made) => made.name === name)
  if (image === undefined) throw new Error(`No ${name} was made`)
  return image.bytes
}

/** Mean colours of a grid of 4 × 4 cells, 48 numbers. */
export async function gridOf(image: Uint8Array): Promise<number[]> {
  const { data, info } = await sharp(image).flatten().removeAlpha().raw().toBuffer({ resolveWithObject: true })
  const sums = new Array<number>(48).fill(0)
  const counts = new Array<number>(16).fill(0)
  for (let y = 0; y < info.height; y += 1) {
    for (let x = 0; x < info.width; x += 1) {
      const cell = Math.floor((y * 4) / info.height) * 4 + Math.floor((x * 4) / info.width)
      counts[cell] = (counts[cell] ?? 0) + 1
      for (let channel = 0; channel < 3; channel += 1) {
        const at = cell * 3 + channel
        sums[at] = (sums[at] ?? 0) + (data[(y * info.width + x) * info.channels + channel] ?? 0)
      }
    }
  }
  return sums.map((sum, index) => sum / (counts[Math.floor(index / 3)] ?? 1))
}

/** The largest difference between two grids, of 255. */
export function distance(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((value, index) => Math.abs(value - (b[index] ?? Number.NaN))))
}
