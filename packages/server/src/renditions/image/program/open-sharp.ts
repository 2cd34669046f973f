/** Originals that libvips decodes: JPEG, PNG, WebP, GIF, TIFF, SVG and AVIF. */
import sharp from 'sharp'
import { CannotDecode } from '../../media.ts'
import { fit } from '../sizes.ts'
import { toSrgb } from './colour.ts'
import { isSrgbProfile } from './icc.ts'
import { orient } from './orientation.ts'
import type { Opened, Pixels, Raster } from './raster.ts'

const loaders = {
  jpeg: 'VipsForeignLoadJpegBuffer',
  png: 'VipsForeignLoadPngBuffer',
  webp: 'VipsForeignLoadWebpBuffer',
  gif: 'VipsForeignLoadNsgifBuffer',
  tiff: 'VipsForeignLoadTiffBuffer',
  svg: 'VipsForeignLoadSvgBuffer',
  avif: 'VipsForeignLoadHeifBuffer',
} as const

export type SharpKind = keyof typeof loaders

/** One picture at a time, nothing kept, and no loader but those above: a file cannot choose another by how it looks. */
export function prepareSharp(): void {
  sharp.cache(false)
  sharp.concurrency(1)
  sharp.block({ operation: ['VipsForeignLoad'] })
  sharp.unblock({ operation: Object.values(loaders) })
}

/** `strict` refuses damaged data; `lenient` shows what there is of it. */
type Tolerance = 'strict' | 'lenient'

/** `turned` says the orientation when another place than these bytes knows it better. */
export async function openWithSharp(bytes: Buffer, kind: SharpKind, pixels: number, turned?: number): Promise<Opened> {
  const open = (tolerance: Tolerance, ignoreIcc = false) =>
    sharp(bytes, {
      failOn: tolerance === 'strict' ? 'error' : 'none',
      limitInputPixels: pixels,
      sequentialRead: true,
      ignoreIcc,
      // Or libvips gives a JPEG up after a number of damages.
      unlimited: tolerance === 'lenient' && kind === 'jpeg',
    })
  const metadata = await open('lenient')
    .metadata()
    .catch((cause: unknown) => {
      throw refusal(cause)
    })
  const expected = kind === 'avif' ? 'heif' : kind
  if (metadata.format !== expected) throw new CannotDecode('undecodable', `A ${kind} that is none inside`)

  const orientation = turned ?? metadata.orientation ?? 1
  const stored = { width: metadata.width, height: metadata.height }
  const upright = orientation >= 5 ? { width: stored.height, height: stored.width } : stored

  // libvips converts colours before it makes pictures smaller, which takes twice as long as decoding them. It is left to
  // it where the numbers are not 8-bit RGB: CMYK, grey, 16 bits.
  const isPlain = metadata.space === 'srgb' && metadata.depth === 'uchar'
  const profile = isPlain && metadata.icc !== undefined ? metadata.icc : null
  const colour = profile === null || isSrgbProfile(profile) ? null : { profile }

  async function decode(longSide: number, tolerance: Tolerance): Promise<Raster> {
    const { width, height } = fit(stored, longSide)
    const { data, info } = await open(tolerance, isPlain)
      .resize(width, height, { fit: 'fill' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true })
    if (info.channels !== 3 && info.channels !== 4) throw new Error(`${info.channels} channels after conversion`)
    const pixels: Pixels = { data, width: info.width, height: info.height, channels: info.channels }
    return orient(await toSrgb(pixels, colour), orientation)
  }

  return {
    ...upright,
    animated: (metadata.pages ?? 1) > 1 && (kind === 'gif' || kind === 'webp'),
    async decode(longSide) {
      const strict = await decode(longSide, 'strict').catch(() => null)
      const shown =
        strict ??
        (await decode(longSide, 'lenient').catch((cause: unknown) => {
          throw refusal(cause)
        }))
      // Half a photo is better than none, as long as there is anything to see.
      const isDamaged = strict === null || (kind === 'jpeg' && !bytes.includes(endOfJpeg))
      if (isDamaged && isBlank(shown)) throw new CannotDecode('undecodable', 'Nothing of the picture is left')
      return shown
    },
  }
}

const endOfJpeg = Buffer.from([0xff, 0xd9])

/** What libvips cannot read stays unreadable; its pixel limit is the one refusal with a name of its own. */
function refusal(cause: unknown): CannotDecode {
  const message = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause)
  const reason = /pixel limit|too large|too many|out of memory|unable to alloc/i.test(message)
    ? 'too-large'
    : 'undecodable'
  return new CannotDecode(reason, message, cause)
}

/** Flat but for a speck: what decoders make of data that is not there, after the last block they could read. */
function isBlank({ data, channels }: Raster): boolean {
  const pixels = data.length / channels
  const last = data.length - channels
  let others = 0
  for (let at = 0; at < last && others * 200 < pixels; at += channels)
    if (data[at] !== data[last] || data[at + 1] !== data[last + 1] || data[at + 2] !== data[last + 2]) others += 1
  return others * 200 < pixels
}
