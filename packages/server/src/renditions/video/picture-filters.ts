/**
 * From whatever was filmed to what every screen shows: upright (ffmpeg turns by itself, once), not interlaced, of the
 * wanted size, 8 bits, standard dynamic range in BT.709.
 */
import { CannotDecode } from '../media.ts'
import type { Picture } from './probe.ts'

export interface Size {
  width: number
  height: number
}

/** White paper in HDR (BT.2408). Candelas a square metre. */
const referenceWhite = 203

/** The brightest that phones film and films are commonly mastered for. Candelas a square metre. */
const peakWhite = 1_000

/** Fits within a short and a long side, never larger than it is; both even, as 4:2:0 needs. Pixels. */
export function fit({ width, height }: Size, { short, long }: { short: number; long: number }): Size {
  const scale = Math.min(1, short / Math.min(width, height), long / Math.max(width, height))
  const even = (side: number) => Math.max(2, Math.min(Math.round((side * scale) / 2), Math.floor(side / 2)) * 2)
  return { width: even(width), height: even(height) }
}

/** Filters for `-vf` that end in BT.709 of limited range in the given 8 bit format. `lacks` is what ffmpeg came without. */
export function standardPicture(
  picture: Picture,
  size: Size,
  format: 'yuv420p' | 'yuv444p',
  lacks: readonly string[],
): string[] {
  const deinterlaced = picture.isInterlaced ? ['bwdif=mode=send_frame'] : []
  const scale = `scale=${size.width}:${size.height}:flags=bicubic`
  const colours = isWide(picture)
    ? [scale, ...toStandardRange(picture, lacks)]
    : [`${scale}:in_color_matrix=${matrixOf(picture)}:out_color_matrix=bt709:out_range=tv`]
  return [...deinterlaced, ...colours, `format=${format}`, 'setsar=1']
}

/** HDR, or colours beyond BT.709. */
const isWide = ({ hdr, colour }: Picture) =>
  hdr !== null || colour.primaries === 'bt2020' || colour.primaries === 'smpte432'

/** After scaling, since all this happens in floating point. */
function toStandardRange({ hdr, colour }: Picture, lacks: readonly string[]): string[] {
  const missing = ['zscale', 'tonemap'].find((filter) => lacks.includes(filter))
  if (missing !== undefined) {
    throw new CannotDecode('decoder-missing', `HDR videos need an ffmpeg with ${missing}, which this machine's lacks.`)
  }
  const primaries = zscalePrimaries[colour.primaries ?? ''] ?? '2020'
  const matrix = zscaleMatrices[colour.matrix ?? ''] ?? (primaries === '2020' ? '2020_ncl' : '709')
  const source = `pin=${primaries}:min=${matrix}`
  const target = 'p=709:t=709:m=709:r=limited'
  switch (hdr) {
    case null:
      return [`zscale=${source}:tin=709:${target}`]
    case 'hlg':
      // HLG is made to look right on screens that know nothing of it (BT.2100; BT.2408, 6), only somewhat pale: the colours
      // of a filmed chart come nearest to their true ones with a tenth more saturation.
      return [`zscale=${source}:tin=2020_10:${target}`, 'hue=s=1.1']
    case 'pq':
      // Below 30% of the range all stays as it is, and highlights are bent into the rest.
      return [
        `zscale=${source}:tin=smpte2084:t=linear:npl=${referenceWhite}`,
        'format=gbrpf32le',
        'zscale=p=709',
        `tonemap=mobius:desat=0:peak=${peakWhite / referenceWhite}`,
        `zscale=${target}`,
      ]
  }
}

const zscalePrimaries: Record<string, string> = { bt2020: '2020', bt709: '709', smpte432: 'smpte432' }
const zscaleMatrices: Record<string, string> = {
  bt2020nc: '2020_ncl',
  bt2020c: '2020_cl',
  bt709: '709',
  bt470bg: '470bg',
  smpte170m: '170m',
}

/** What players assume of files that do not say: BT.709 from 720 lines on, BT.601 below. */
function matrixOf({ colour, coded }: Picture): string {
  if (colour.matrix !== null) return 'auto'
  return Math.min(coded.width, coded.height) >= 720 ? 'bt709' : 'bt601'
}
