/**
 * Brings decoded pixels of any colour space to 8-bit sRGB. It runs on pixels that were already made smaller, where a
 * conversion in JavaScript costs some 20 ns a pixel.
 */
import sharp from 'sharp'
import { type Pixels, type Raster, rawOf } from './raster.ts'
import { wrapInTiff } from './tiff-wrapper.ts'

/**
 * How the numbers of a picture mean colours: by a profile, or by the code points of ITU-T H.273 that HEIF calls nclx.
 * Null means sRGB, or nothing said, which is taken as sRGB.
 */
export type Colour = { profile: Buffer } | { primaries: number; transfer: number } | null

export async function toSrgb(pixels: Pixels, colour: Colour): Promise<Raster> {
  if (colour === null) return toEightBits(pixels)
  if ('profile' in colour) return byProfile(pixels, colour.profile)
  return isSrgb(colour) ? toEightBits(pixels) : byCodePoints(pixels, colour)
}

async function toEightBits(pixels: Pixels): Promise<Raster> {
  const { data, width, height, channels } = pixels
  if (!(data instanceof Uint16Array)) return { data, width, height, channels }
  const eight = Buffer.allocUnsafeSlow(data.length)
  for (let at = 0; at < data.length; at += 1) eight[at] = (data[at] ?? 0) >>> 8
  return { data: eight, width, height, channels }
}

/** Little CMS does it, by way of the one container that sharp reads a profile from without compressing anything. */
async function byProfile(pixels: Pixels, profile: Buffer): Promise<Raster> {
  try {
    const { data, info } = await sharp(wrapInTiff(pixels, profile))
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true })
    return { data, width: info.width, height: info.height, channels: info.channels === 4 ? 4 : 3 }
  } catch {
    // A profile that is broken says nothing.
    return toEightBits(pixels)
  }
}

// H.273 code points. The transfers of BT.709, BT.601, BT.2020 and sRGB are shown alike by every viewer.
const primariesOf = { bt2020: 9, dciP3: 11, displayP3: 12 }
const transferOf = { linear: 8, pq: 16, hlg: 18 }

/** True when decoded numbers can be shown as they are. */
export function isSrgb({ primaries, transfer }: { primaries: number; transfer: number }): boolean {
  const wide = Object.values(primariesOf).includes(primaries)
  return !wide && !Object.values(transferOf).includes(transfer)
}

/** Linear light of these primaries to that of BT.709, D65 both (derived from the chromaticities in H.273). */
const identity = [1, 0, 0, 0, 1, 0, 0, 0, 1] as const
const toBt709: Record<number, readonly number[]> = {
  [primariesOf.bt2020]: [1.6605, -0.5876, -0.0728, -0.1246, 1.1329, -0.0083, -0.0182, -0.1006, 1.1187],
  [primariesOf.displayP3]: [1.2249, -0.2247, 0, -0.042, 1.0419, 0, -0.0197, -0.0786, 1.0979],
  [primariesOf.dciP3]: [1.2249, -0.2247, 0, -0.042, 1.0419, 0, -0.0197, -0.0786, 1.0979],
}

/** Nits of diffuse white, and of the brightest highlights a phone grades for (ITU-R BT.2408). */
const white = 203
const peak = 1000

function byCodePoints(pixels: Pixels, { primaries, transfer }: { primaries: number; transfer: number }): Raster {
  const { data, width, height, channels } = pixels
  const wide = data instanceof Uint16Array
  const top = wide ? 65_535 : 255
  const linear = linearTable(transfer, top)
  const highlights = transfer === transferOf.pq || transfer === transferOf.hlg ? highlightTable() : null
  const m = toBt709[primaries] ?? identity
  const [m0 = 1, m1 = 0, m2 = 0, m3 = 0, m4 = 1, m5 = 0, m6 = 0, m7 = 0, m8 = 1] = m
  const out = Buffer.allocUnsafeSlow(width * height * channels)
  for (let at = 0; at < data.length; at += channels) {
    let r = linear[data[at] ?? 0] ?? 0
    let g = linear[data[at + 1] ?? 0] ?? 0
    let b = linear[data[at + 2] ?? 0] ?? 0
    if (highlights !== null) {
      if (transfer === transferOf.hlg) {
        // The system's own gamma, by the luminance of BT.2100's primaries.
        const gain = (0.2627 * r + 0.678 * g + 0.0593 * b) ** 0.2 * (peak / white)
        r *= gain
        g *= gain
        b *= gain
      }
      // By the brightest channel, so that no hue shifts.
      const gain = gainAt(highlights, Math.max(r, g, b))
      r *= gain
      g *= gain
      b *= gain
    }
    out[at] = toCode(m0 * r + m1 * g + m2 * b)
    out[at + 1] = toCode(m3 * r + m4 * g + m5 * b)
    out[at + 2] = toCode(m6 * r + m7 * g + m8 * b)
    if (channels === 4) out[at + 3] = wide ? (data[at + 3] ?? 0) >>> 8 : (data[at + 3] ?? 0)
  }
  return { data: out, width, height, channels }
}

/** Light for each code: 1 is diffuse white; for HLG it is the light of the scene, 1 its brightest. */
function linearTable(transfer: number, top: number): Float32Array {
  const table = new Float32Array(top + 1)
  for (let code = 0; code <= top; code += 1) {
    const signal = code / top
    table[code] =
      transfer === transferOf.linear
        ? signal
        : transfer === transferOf.pq
          ? pqToNits(signal) / white
          : transfer === transferOf.hlg
            ? hlgToScene(signal)
            : signal <= 0.04045
              ? signal / 12.92
              : ((signal + 0.055) / 1.055) ** 2.4
  }
  return table
}

const pq = { m1: 0.1593017578125, m2: 78.84375, c1: 0.8359375, c2: 18.8515625, c3: 18.6875 }

/** SMPTE ST 2084. */
function pqToNits(signal: number): number {
  const power = signal ** (1 / pq.m2)
  return 10_000 * (Math.max(power - pq.c1, 0) / (pq.c2 - pq.c3 * power)) ** (1 / pq.m1)
}

function nitsToPq(nits: number): number {
  const power = (nits / 10_000) ** pq.m1
  return ((pq.c1 + pq.c2 * power) / (1 + pq.c3 * power)) ** pq.m2
}

/** ITU-R BT.2100, the inverse of HLG's curve. */
function hlgToScene(signal: number): number {
  return signal <= 0.5 ? signal ** 2 / 3 : (Math.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12
}

const highlightSteps = 4096
/** The table reaches to this multiple of white; brighter is clipped. */
const highlightReach = 10_000 / white

/** What to multiply light with so that highlights roll off into white: the curve of ITU-R BT.2390, section 5.4.1. */
function highlightTable(): Float32Array {
  const table = new Float32Array(highlightSteps + 1)
  const source = nitsToPq(peak)
  const target = nitsToPq(white) / source
  const knee = 1.5 * target - 0.5
  for (let step = 0; step <= highlightSteps; step += 1) {
    const light = (step / highlightSteps) ** 2 * highlightReach
    const signal = Math.min(1, nitsToPq(light * white) / source)
    const t = (signal - knee) / (1 - knee)
    const bent =
      signal < knee
        ? signal
        : (2 * t ** 3 - 3 * t ** 2 + 1) * knee +
          (t ** 3 - 2 * t ** 2 + t) * (1 - knee) +
          (-2 * t ** 3 + 3 * t ** 2) * target
    table[step] = light === 0 ? 1 : pqToNits(bent * source) / white / light
  }
  return table
}

/** The root spends the steps where eyes see them. */
function gainAt(table: Float32Array, light: number): number {
  return (
    table[Math.min(highlightSteps, Math.round(Math.sqrt(Math.max(0, light) / highlightReach) * highlightSteps))] ?? 1
  )
}

const codeSteps = 16_384
const codes = Uint8Array.from({ length: codeSteps + 1 }, (_, step) => {
  const light = (step / codeSteps) ** 2
  return Math.round(255 * (light <= 0.0031308 ? light * 12.92 : 1.055 * light ** (1 / 2.4) - 0.055))
})

function toCode(light: number): number {
  return codes[light <= 0 ? 0 : light >= 1 ? codeSteps : Math.round(Math.sqrt(light) * codeSteps)] ?? 0
}

/** Makes pixels smaller before their colours are converted. */
export async function shrink(pixels: Pixels, width: number, height: number): Promise<Pixels> {
  if (pixels.width === width && pixels.height === height) return pixels
  const resized = sharp(pixels.data, rawOf(pixels)).resize(width, height, { fit: 'fill' })
  if (!(pixels.data instanceof Uint16Array)) {
    return { data: await resized.raw().toBuffer(), width, height, channels: pixels.channels }
  }
  const data = await resized.toColourspace('rgb16').raw({ depth: 'ushort' }).toBuffer()
  return { data: asUint16(data), width, height, channels: pixels.channels }
}

/** The same memory, read as 16-bit numbers of this machine's byte order, which sharp writes. */
export function asUint16(bytes: Buffer): Uint16Array {
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : Buffer.from(new Uint8Array(bytes).buffer)
  return new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.length / 2)
}
