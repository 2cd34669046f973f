/**
 * HEIC and HEIF: the primary picture, as its container turns it. Its EXIF orientation says the same once more and is not
 * applied. Phones store a grid of tiles, which are decoded one at a time and made smaller on the way, so that 200
 * megapixels need no more memory than 12.
 */
import sharp from 'sharp'
import { CannotDecode } from '../../media.ts'
import { fit } from '../sizes.ts'
import { shrink, toSrgb } from './colour.ts'
import { type HeifImage, type HeifPlane, type HeifTurn, openHeif } from './heif-library.ts'
import { type Opened, type Pixels, type Raster, rawOf } from './raster.ts'

/** What can be decoded in one go within the memory of one program: libheif needs 5 bytes a pixel, and 6 with 10 bits. */
const pixelsAtOnce = 80_000_000

export function openHeic(bytes: Buffer, pixels: number): Opened {
  const { width, height } = openHeif(bytes, (image) => {
    if (image.width * image.height > pixels)
      throw new CannotDecode('too-large', `${image.width} × ${image.height} pixels`)
    return { width: image.width, height: image.height }
  })
  return {
    width,
    height,
    animated: false,
    async decode(longSide) {
      const { decoded, colour, turns } = openHeif(bytes, (image) => ({
        ...decode(image, longSide),
        colour: image.colour,
      }))
      const long = Math.max(decoded.width, decoded.height)
      const target = fit({ width, height }, Math.min(longSide, long))
      const sideways = turns.filter((turn) => 'rotate' in turn && turn.rotate % 180 !== 0).length % 2 === 1
      const stored = sideways ? { width: target.height, height: target.width } : target
      return turnAll(await toSrgb(await shrink(decoded, stored.width, stored.height), colour), turns)
    },
  }
}

function decode(image: HeifImage, longSide: number): { decoded: Pixels; turns: HeifTurn[] } {
  const { columns, rows } = image.tiling
  if (columns * rows > 1 && !image.hasAlpha && !image.isCropped)
    return { decoded: decodeTiles(image, longSide), turns: image.turns }
  if (image.width * image.height > pixelsAtOnce) throw new CannotDecode('too-large', 'Too many pixels in one piece')
  const decoded = image.decode((plane) => {
    const pixels = blank(plane.width, plane.height, image)
    place(plane, pixels, 0, 0, 1, image.bits)
    return pixels
  })
  return { decoded, turns: [] }
}

function decodeTiles(image: HeifImage, longSide: number): Pixels {
  const { columns, rows, tileWidth, tileHeight, width, height } = image.tiling
  // Twice what is needed is left for the better filter that follows.
  let step = 1
  while (
    Math.max(width, height) / (step * 2) >= 2 * longSide &&
    Math.min(width, height) >= step * 2 &&
    tileWidth % (step * 2) === 0 &&
    tileHeight % (step * 2) === 0
  )
    step *= 2
  const whole = blank(Math.floor(width / step), Math.floor(height / step), image)
  let damaged: unknown
  let shown = 0
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      try {
        image.decodeTile(column, row, (plane) => {
          place(plane, whole, (column * tileWidth) / step, (row * tileHeight) / step, step, image.bits)
        })
        shown += 1
      } catch (error) {
        // Half a photo is better than none.
        if (!(error instanceof CannotDecode) || error.reason === 'too-large') throw error
        damaged ??= error
      }
    }
  }
  if (shown === 0) throw damaged
  return whole
}

function blank(width: number, height: number, image: HeifImage): Pixels {
  const channels = image.hasAlpha ? 4 : 3
  const numbers = width * height * channels
  return { data: image.bits > 8 ? new Uint16Array(numbers) : Buffer.alloc(numbers), width, height, channels }
}

/** Copies a decoded plane to (`left`, `top`), each square of `step` pixels as one; what would lie outside is left out. */
function place(plane: HeifPlane, target: Pixels, left: number, top: number, step: number, bits: number): void {
  const { data, channels } = target
  const wide = data instanceof Uint16Array
  const source = wide
    ? new Uint16Array(plane.bytes.buffer, plane.bytes.byteOffset, plane.bytes.length >> 1)
    : plane.bytes
  const stride = wide ? plane.stride >> 1 : plane.stride
  const columns = Math.min(Math.floor(plane.width / step), target.width - left)
  const rows = Math.min(Math.floor(plane.height / step), target.height - top)
  const scale = (wide ? 2 ** (16 - bits) : 1) / (step * step)
  for (let y = 0; y < rows; y += 1) {
    const to = ((top + y) * target.width + left) * channels
    if (step === 1 && !wide) {
      data.set(source.subarray(y * stride, y * stride + columns * channels), to)
      continue
    }
    for (let x = 0; x < columns; x += 1) {
      for (let channel = 0; channel < channels; channel += 1) {
        let sum = 0
        for (let dy = 0; dy < step; dy += 1) {
          const from = (y * step + dy) * stride + x * step * channels + channel
          for (let dx = 0; dx < step; dx += 1) sum += source[from + dx * channels] ?? 0
        }
        data[to + x * channels + channel] = sum * scale
      }
    }
  }
}

async function turnAll(raster: Raster, turns: HeifTurn[]): Promise<Raster> {
  let upright = raster
  for (const turn of turns) {
    const image = sharp(upright.data, rawOf(upright))
    const turned =
      'rotate' in turn ? image.rotate(turn.rotate) : turn.mirror === 'left-right' ? image.flop() : image.flip()
    const { data, info } = await turned.raw().toBuffer({ resolveWithObject: true })
    upright = { data, width: info.width, height: info.height, channels: raster.channels }
  }
  return upright
}
