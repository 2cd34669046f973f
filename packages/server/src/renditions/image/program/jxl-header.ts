/** The size of a JPEG XL picture, from the first bits of its codestream (ISO/IEC 18181-1, annexes A and D). */

export interface JxlHeader {
  /** Upright. */
  width: number
  height: number
  animated: boolean
}

/** Null when there is no header in the first bytes. */
export function readJxlHeader(file: Buffer): JxlHeader | null {
  const codestream = findCodestream(file)
  if (codestream === null || codestream.length < 16 || codestream.readUInt16BE(0) !== 0xff0a) return null
  const bits = bitReader(codestream.subarray(2, 64))
  const small = bits(1) === 1
  const side = () => (small ? (bits(5) + 1) * 8 : bits([9, 13, 18, 30][bits(2)] ?? 30) + 1)
  const height = side()
  // A ratio of the height, or 0 for a width of its own.
  const ratios = [
    [1, 1],
    [1, 1],
    [12, 10],
    [4, 3],
    [3, 2],
    [16, 9],
    [5, 4],
    [2, 1],
  ] as const
  const ratio = bits(3)
  const [over, under] = ratios[ratio] ?? ratios[0]
  const width = ratio === 0 ? side() : Math.floor((height * over) / under)
  const all = bits(1) === 1
  const extra = !all && bits(1) === 1
  if (!extra) return { width, height, animated: false }
  const sideways = bits(3) >= 4
  // The intrinsic size, which only tells how to show it.
  if (bits(1) === 1) return { ...turn(width, height, sideways), animated: false }
  if (bits(1) === 1) return { ...turn(width, height, sideways), animated: false }
  return { ...turn(width, height, sideways), animated: bits(1) === 1 }
}

const turn = (width: number, height: number, sideways: boolean) =>
  sideways ? { width: height, height: width } : { width, height }

/** Least significant bit first. */
function bitReader(bytes: Buffer): (count: number) => number {
  let at = 0
  return (count) => {
    let value = 0
    for (let bit = 0; bit < count; bit += 1, at += 1) value += (((bytes[at >> 3] ?? 0) >> (at & 7)) & 1) * 2 ** bit
    return value
  }
}

/** Bare, or in a box of the container: `jxlc`, or the first of the parts in `jxlp`. */
function findCodestream(file: Buffer): Buffer | null {
  if (file.readUInt16BE(0) === 0xff0a) return file
  let at = 0
  while (at + 16 <= file.length) {
    const short = file.readUInt32BE(at)
    const type = file.toString('latin1', at + 4, at + 8)
    const head = short === 1 ? 16 : 8
    if (type === 'jxlc') return file.subarray(at + head)
    if (type === 'jxlp') return file.subarray(at + head + 4)
    const size = short === 1 ? Number(file.readBigUInt64BE(at + 8)) : short
    if (size < head) return null
    at += size
  }
  return null
}
