/** JPEG XL, decoded by libjxl in WebAssembly, which turns it upright and brings its colours to sRGB. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import createDecoder from '@jsquash/jxl/codec/dec/jxl_dec.js'
import { CannotDecode } from '../../media.ts'
import { fit } from '../sizes.ts'
import { shrink, toSrgb } from './colour.ts'
import { readJxlHeader } from './jxl-header.ts'
import type { Opened } from './raster.ts'

/** The decoder takes 20 bytes a pixel: floating point numbers, and the result. */
const pixelsAtOnce = 52_000_000

export function openJxl(bytes: Buffer, pixels: number): Opened {
  const header = readJxlHeader(bytes)
  if (header === null) throw new CannotDecode('undecodable', 'A JPEG XL without a header')
  const { width, height } = header
  if (width * height > Math.min(pixels, pixelsAtOnce))
    throw new CannotDecode('too-large', `${width} × ${height} pixels`)
  return {
    ...header,
    async decode(longSide) {
      const decoded = await decode(bytes)
      if (decoded.width !== width || decoded.height !== height)
        throw new CannotDecode('undecodable', 'A JPEG XL of another size than it says')
      const target = fit({ width, height }, longSide)
      return toSrgb(await shrink({ ...decoded, channels: 4 }, target.width, target.height), null)
    },
  }
}

/** In a module of its own each time: memory that WebAssembly took, it gives back only with the module. */
async function decode(bytes: Buffer): Promise<{ data: Buffer; width: number; height: number }> {
  const wasm = createRequire(import.meta.url).resolve('@jsquash/jxl/codec/dec/jxl_dec.wasm')
  const decoder = await createDecoder({ noInitialRun: true, wasmBinary: readFileSync(wasm) })
  const image = decoder.decode(bytes)
  if (image === null) throw new CannotDecode('undecodable', 'libjxl refused it')
  const { data, width, height } = image
  return { data: Buffer.from(data.buffer, data.byteOffset, data.byteLength), width, height }
}
