/** Small real files for tests, made here so that the suite needs no folder of samples. */
import { createHash, randomBytes } from 'node:crypto'

/** A grey picture of 8 by 8 pixels, as small as JPEG can be (ITU-T T.81): every table has one entry. */
const smallest = Buffer.from(
  `ffd8ffdb004300${'01'.repeat(64)}ffc0000b080008000801011100ffc40026000100000000000000000000000000000000100100000000000000000000000000000000ffda0008010100003f003fffd9`,
  'hex',
)

/** A JPEG that decodes, exactly `size` bytes long (at least 137): what is beyond the picture is random, and no decoder looks at it. */
export function jpeg(size: number): Buffer {
  if (size < smallest.length) throw new RangeError(`A JPEG has at least ${smallest.length} bytes`)
  return Buffer.concat([smallest, randomBytes(size - smallest.length)])
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
