/** A TIFF 6.0 of one uncompressed strip around pixels that were decoded elsewhere, to give them a colour profile. */
import { endianness } from 'node:os'
import type { Pixels } from './raster.ts'

const types = { short: 3, long: 4, undefined: 7 } as const
type Entry = [tag: number, type: keyof typeof types, count: number, value: number]

export function wrapInTiff({ data, width, height, channels }: Pixels, profile: Buffer): Buffer {
  const bits = data instanceof Uint16Array ? 16 : 8
  const pixels = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const entryCount = channels === 4 ? 12 : 11
  const bitsAt = 8 + 2 + entryCount * 12 + 4
  const profileAt = bitsAt + channels * 2
  const pixelsAt = profileAt + profile.length + (profile.length % 2)
  const entries: Entry[] = [
    [256, 'long', 1, width],
    [257, 'long', 1, height],
    [258, 'short', channels, bitsAt],
    [259, 'short', 1, 1],
    // RGB.
    [262, 'short', 1, 2],
    [273, 'long', 1, pixelsAt],
    [277, 'short', 1, channels],
    [278, 'long', 1, height],
    [279, 'long', 1, pixels.length],
    [284, 'short', 1, 1],
    // Alpha that was not multiplied in.
    ...(channels === 4 ? ([[338, 'short', 1, 2]] satisfies Entry[]) : []),
    [34675, 'undefined', profile.length, profileAt],
  ]

  // In this machine's byte order, so that 16-bit pixels are taken as they lie.
  const little = endianness() === 'LE'
  const file = Buffer.alloc(pixelsAt)
  const short = (value: number, at: number) => (little ? file.writeUInt16LE(value, at) : file.writeUInt16BE(value, at))
  const long = (value: number, at: number) => (little ? file.writeUInt32LE(value, at) : file.writeUInt32BE(value, at))
  file.write(little ? 'II' : 'MM', 'latin1')
  short(42, 2)
  long(8, 4)
  short(entryCount, 8)
  entries.forEach(([tag, type, count, value], index) => {
    const at = 10 + index * 12
    short(tag, at)
    short(types[type], at + 2)
    long(count, at + 4)
    if (type === 'short' && count === 1) short(value, at + 8)
    else long(value, at + 8)
  })
  for (let channel = 0; channel < channels; channel += 1) short(bits, bitsAt + channel * 2)
  profile.copy(file, profileAt)
  return Buffer.concat([file, pixels])
}
