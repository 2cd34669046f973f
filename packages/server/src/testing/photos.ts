/** Small real files for tests, made here so that the suite needs no folder of samples. */
import { createHash, randomBytes } from 'node:crypto'

/** Bytes with the signature and frame of a JPEG, random in between, exactly `size` long (at least 22): no decoder is asked. */
export function jpeg(size: number): Buffer {
  const head = Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex')
  const tail = Buffer.from('ffd9', 'hex')
  if (size < head.length + tail.length) throw new RangeError(`A JPEG has at least ${head.length + tail.length} bytes`)
  return Buffer.concat([head, randomBytes(size - head.length - tail.length), tail])
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
