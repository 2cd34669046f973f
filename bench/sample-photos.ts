/**
 * Photos of 12 megapixels that decode and compress like a camera's: noise of several scales over each other, about 4 MB as
 * JPEG. A few pictures are made and repeated with another comment, so that every file is another one to the server.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'

const width = 4000
const height = 3000
const pictures = 4

/** Side of one cell of noise in pixels, and how strongly it shows. */
const scales = [
  { cell: 1000, weight: 0.9 },
  { cell: 200, weight: 0.5 },
  { cell: 25, weight: 0.3 },
  { cell: 4, weight: 0.15 },
  { cell: 1, weight: 0.04 },
]

/** Writes `count` files into `folder` and returns their mean size in bytes. */
export async function makePhotos(folder: string, count: number): Promise<number> {
  await mkdir(folder, { recursive: true })
  const originals = await Promise.all(Array.from({ length: pictures }, makePicture))
  let total = 0
  for (let index = 0; index < count; index += 1) {
    const photo = withComment(originals[index % pictures] ?? Buffer.alloc(0))
    total += photo.length
    await writeFile(join(folder, `photo-${String(index).padStart(4, '0')}.jpg`), photo)
  }
  return total / count
}

async function makePicture(): Promise<Buffer> {
  const layers = await Promise.all(
    scales.map(async ({ cell, weight }) => {
      const columns = Math.ceil(width / cell) + 1
      const rows = Math.ceil(height / cell) + 1
      const noise = sharp(randomBytes(columns * rows * 3), { raw: { width: columns, height: rows, channels: 3 } })
      const pixels = await noise.resize(width, height, { fit: 'fill', kernel: 'cubic' }).raw().toBuffer()
      return { pixels, weight }
    }),
  )
  const picture = Buffer.alloc(width * height * 3)
  for (let at = 0; at < picture.length; at += 1) {
    let value = 128
    for (const { pixels, weight } of layers) value += ((pixels[at] ?? 128) - 128) * weight
    picture[at] = Math.max(0, Math.min(255, value))
  }
  return sharp(picture, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 90 })
    .toBuffer()
}

/** A COM segment right behind the start of the image. */
function withComment(jpeg: Buffer): Buffer {
  const comment = Buffer.concat([Buffer.from('fffe0012', 'hex'), randomBytes(16)])
  return Buffer.concat([jpeg.subarray(0, 2), comment, jpeg.subarray(2)])
}
