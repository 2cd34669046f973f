/**
 * libheif in WebAssembly, by its C interface: the classes that its package offers decode only whole pictures of 8 bits,
 * in RGBA. Structures are read where libheif's headers place them in 32-bit memory.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { MainModule } from 'libheif-js/libheif-wasm/libheif.js'
import { CannotDecode } from '../../media.ts'
import type { Colour } from './colour.ts'

export interface HeifTiling {
  columns: number
  rows: number
  tileWidth: number
  tileHeight: number
  /** Of the whole, before it is turned. */
  width: number
  height: number
}

/** In the order in which they apply. */
export type HeifTurn = { rotate: number } | { mirror: 'left-right' | 'top-bottom' }

/** Pixels inside the library's memory: to be copied before the next call. */
export interface HeifPlane {
  bytes: Uint8Array
  /** Bytes from one row to the next. */
  stride: number
  width: number
  height: number
}

export interface HeifImage {
  /** Upright. */
  width: number
  height: number
  /** Of one colour. */
  bits: number
  hasAlpha: boolean
  colour: Colour
  tiling: HeifTiling
  turns: HeifTurn[]
  /** A part of the picture lies outside of what is shown. */
  isCropped: boolean
  /** Upright and cropped, interleaved. 16-bit numbers hold `bits` bits. */
  decode<T>(take: (plane: HeifPlane) => T): T
  /** As it is stored. */
  decodeTile<T>(column: number, row: number, take: (plane: HeifPlane) => T): T
}

const rgb = 1
const interleaved = 10
const chromas = { rgb8: 10, rgba8: 11, rgb16: 14, rgba16: 15 }

const require = createRequire(import.meta.url)
let loaded: MainModule | undefined

function load(): MainModule {
  if (loaded !== undefined) return loaded
  // The package is CommonJS whose types say otherwise.
  const create: (options: { wasmBinary: Uint8Array }) => MainModule = require('libheif-js/libheif-wasm/libheif.js')
  loaded = create({ wasmBinary: readFileSync(require.resolve('libheif-js/libheif-wasm/libheif.wasm')) })
  return loaded
}

/**
 * Opens the primary picture of a HEIF or AVIF file for as long as `use` runs. Only HEVC can be decoded; what is told of
 * it can be read from all.
 */
export function openHeif<T>(file: Buffer, use: (image: HeifImage) => T): T {
  const library = load()
  const held: (() => void)[] = []
  let broken = true
  try {
    const result = use(openPrimary(library, file, (release) => held.push(release)))
    broken = false
    return result
  } catch (error) {
    broken = !(error instanceof CannotDecode)
    throw error
  } finally {
    // A trap leaves its memory in no known state; and memory that WebAssembly took, it never gives back.
    if (broken || library.HEAPU8.length > 400 * 2 ** 20) loaded = undefined
    else for (const release of held.toReversed()) release()
  }
}

function openPrimary(library: MainModule, file: Buffer, hold: (release: () => void) => void): HeifImage {
  const allocate = (size: number) => {
    const pointer = library._malloc(size)
    if (pointer === 0) throw new CannotDecode('too-large', 'No memory is left for this picture')
    hold(() => library._free(pointer))
    return pointer
  }
  const error = allocate(12)
  const out = allocate(128)
  // Memory moves when it grows: views are made anew each time.
  const view = () => new DataView(library.HEAPU8.buffer)
  const uint = (at: number) => view().getUint32(at, true)
  const check = () => {
    const code = uint(error)
    if (code !== 0) throw refusal(code, text(library, uint(error + 8)))
  }

  const context = library._heif_context_alloc()
  hold(() => library._heif_context_free(context))
  const limits = library._heif_context_get_security_limits(context)
  // A 200 MP photo has 822 tiles, each an item and a reference (heif_security.h: max_items, max_children_per_box).
  view().setUint32(limits + 28, 4000, true)
  view().setUint32(limits + 60, 4000, true)
  const copy = allocate(file.length)
  library.HEAPU8.set(file, copy)
  library._heif_context_read_from_memory_without_copy(error, context, copy, file.length, 0)
  check()
  library._heif_context_get_primary_image_handle(error, context, out)
  check()
  const handle = uint(out)
  hold(() => library._heif_image_handle_release(handle))

  library._heif_image_handle_get_image_tiling(error, handle, 0, out)
  check()
  const [columns, rows, tileWidth, tileHeight, width, height] = [4, 8, 12, 16, 20, 24].map((at) => uint(out + at)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const id = library._heif_image_handle_get_item_id(handle)
  const { turns, isCropped } = readTransformations(library, context, id, out)
  const bits = Math.max(8, library._heif_image_handle_get_luma_bits_per_pixel(handle))
  const hasAlpha = library._heif_image_handle_has_alpha_channel(handle) !== 0
  const chroma = bits > 8 ? (hasAlpha ? chromas.rgba16 : chromas.rgb16) : hasAlpha ? chromas.rgba8 : chromas.rgb8

  function take<T>(use: (plane: HeifPlane) => T): T {
    check()
    const image = uint(out)
    try {
      const start = library._heif_image_get_plane_readonly2(image, interleaved, out)
      if (start === 0) throw new CannotDecode('undecodable', 'A picture without pixels')
      const stride = uint(out)
      const rowsThere = library._heif_image_get_height(image, interleaved)
      return use({
        bytes: library.HEAPU8.subarray(start, start + stride * rowsThere),
        stride,
        width: library._heif_image_get_width(image, interleaved),
        height: rowsThere,
      })
    } finally {
      library._heif_image_release(image)
    }
  }

  return {
    width: library._heif_image_handle_get_width(handle),
    height: library._heif_image_handle_get_height(handle),
    bits,
    hasAlpha,
    colour: readColour(library, handle, error, out),
    tiling: { columns, rows, tileWidth, tileHeight, width, height },
    turns,
    isCropped,
    decode(use) {
      library._heif_decode_image(error, handle, out, rgb, chroma, 0)
      return take(use)
    },
    decodeTile(column, row, use) {
      const options = library._heif_decoding_options_alloc()
      try {
        // ignore_transformations
        library.HEAPU8[options + 1] = 1
        library._heif_image_handle_decode_image_tile(error, handle, out, rgb, chroma, options, column, row)
        return take(use)
      } finally {
        library._heif_decoding_options_free(options)
      }
    },
  }
}

function readColour(library: MainModule, handle: number, error: number, out: number): Colour {
  const size = library._heif_image_handle_get_raw_color_profile_size(handle)
  if (size > 0 && size < 4 * 2 ** 20) {
    const pointer = library._malloc(size)
    library._heif_image_handle_get_raw_color_profile(error, handle, pointer)
    const profile = Buffer.from(library.HEAPU8.subarray(pointer, pointer + size))
    library._free(pointer)
    return { profile }
  }
  library._heif_image_handle_get_nclx_color_profile(error, handle, out)
  const view = new DataView(library.HEAPU8.buffer)
  if (view.getUint32(error, true) !== 0) return null
  const nclx = view.getUint32(out, true)
  const colour = { primaries: view.getUint32(nclx + 4, true), transfer: view.getUint32(nclx + 8, true) }
  library._heif_nclx_color_profile_free(nclx)
  return colour
}

const fourcc = (name: string) => Buffer.from(name, 'latin1').readInt32BE()

function readTransformations(library: MainModule, context: number, id: number, out: number) {
  const count = Math.min(8, library._heif_item_get_transformation_properties(context, id, out, 8))
  const view = new DataView(library.HEAPU8.buffer)
  const properties = Array.from({ length: count }, (_, index) => view.getUint32(out + index * 4, true))
  const turns: HeifTurn[] = []
  let isCropped = false
  for (const property of properties) {
    const type = library._heif_item_get_property_type(context, id, property)
    if (type === fourcc('irot')) {
      const left = library._heif_item_get_property_transform_rotation_ccw(context, id, property)
      if (left !== 0) turns.push({ rotate: 360 - left })
    } else if (type === fourcc('imir')) {
      const direction = library._heif_item_get_property_transform_mirror(context, id, property)
      turns.push({ mirror: direction === 1 ? 'left-right' : 'top-bottom' })
    } else {
      isCropped = true
    }
  }
  return { turns, isCropped }
}

/** The codes of heif_error.h: 3 and 4 are forms it does not know, 6 is memory. */
function refusal(code: number, message: string): CannotDecode {
  return new CannotDecode(code === 6 ? 'too-large' : code === 3 || code === 4 ? 'unsupported' : 'undecodable', message)
}

function text(library: MainModule, pointer: number): string {
  if (pointer === 0) return 'libheif refused it'
  const end = library.HEAPU8.indexOf(0, pointer)
  return Buffer.from(library.HEAPU8.subarray(pointer, end)).toString('utf8').slice(0, 300)
}
