/**
 * Knows sRGB under the many names of its profile (ICC.1:2022): by its primaries and its curve. Many photos carry one,
 * and converting sRGB to itself would cost as much as decoding them.
 */

/** The media-relative colorants of sRGB, adapted to D50 (IEC 61966-2-1). */
const colorants = {
  rXYZ: [0.4361, 0.2225, 0.0139],
  gXYZ: [0.3851, 0.7169, 0.0971],
  bXYZ: [0.1431, 0.0606, 0.7141],
} as const
/** Half of the way up sRGB's curve, in light. */
const middle = 0.214
const tolerance = 0.003
const tableStart = 132

export function isSrgbProfile(profile: Buffer): boolean {
  const tags = readTags(profile)
  return (
    profile.toString('latin1', 16, 20) === 'RGB ' &&
    // A table of measured colours would go before the primaries.
    !tags.has('A2B0') &&
    Object.entries(colorants).every(([name, expected]) => {
      const found = readXyz(tags.get(name))
      return found !== null && expected.every((value, index) => Math.abs(value - (found[index] ?? 0)) < tolerance)
    }) &&
    ['rTRC', 'gTRC', 'bTRC'].every((name) => Math.abs(readMiddle(tags.get(name)) - middle) < tolerance)
  )
}

function readTags(profile: Buffer): Map<string, Buffer> {
  const tags = new Map<string, Buffer>()
  if (profile.length < tableStart) return tags
  const count = Math.min(profile.readUInt32BE(128), 100)
  for (let at = tableStart; at < tableStart + count * 12 && at + 12 <= profile.length; at += 12) {
    const offset = profile.readUInt32BE(at + 4)
    tags.set(profile.toString('latin1', at, at + 4), profile.subarray(offset, offset + profile.readUInt32BE(at + 8)))
  }
  return tags
}

const fixed = (bytes: Buffer, at: number) => bytes.readInt32BE(at) / 65_536

function readXyz(tag: Buffer | undefined): number[] | null {
  return tag === undefined || tag.length < 20 ? null : [fixed(tag, 8), fixed(tag, 12), fixed(tag, 16)]
}

/** What a curve makes of one half; NaN when it cannot be told. */
function readMiddle(tag: Buffer | undefined): number {
  if (tag === undefined || tag.length < 14) return Number.NaN
  const type = tag.toString('latin1', 0, 4)
  if (type === 'curv') {
    const count = tag.readUInt32BE(8)
    if (count === 0) return 0.5
    if (count === 1) return 0.5 ** (tag.readUInt16BE(12) / 256)
    const position = (count - 1) / 2
    const [below, above] = [Math.floor(position), Math.ceil(position)].map((index) => 12 + index * 2)
    if (below === undefined || above === undefined || above + 2 > tag.length) return Number.NaN
    return (tag.readUInt16BE(below) + tag.readUInt16BE(above)) / 2 / 65_535
  }
  if (type !== 'para' || tag.length < 12 + 5 * 4 || tag.readUInt16BE(8) !== 3) return Number.NaN
  const [g = 1, a = 1, b = 0] = [12, 16, 20].map((at) => fixed(tag, at))
  return (a * 0.5 + b) ** g
}
