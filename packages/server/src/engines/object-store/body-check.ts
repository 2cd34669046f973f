/**
 * What is checked about a body while it passes, the same for every store: how many bytes, how many are allowed, and what
 * they hash to. It holds no bytes itself.
 */
import { createHash, type Hash, timingSafeEqual } from 'node:crypto'
import { type ExpectedDigest, ObjectStoreError } from './object-store.ts'

export interface BodyExpectation {
  /** Bytes. */
  size?: number
  /** Bytes. */
  maxSize?: number
  digest?: ExpectedDigest
}

export interface BodyCheck {
  /** Throws `size-mismatch` or `too-large` as soon as there is one byte too many. */
  add(chunk: Uint8Array): void
  /** Call once after the last byte. Throws `size-mismatch` or `checksum-mismatch`. */
  finish(): { size: number; sha256: Uint8Array }
}

export function createBodyCheck({ size, maxSize, digest }: BodyExpectation): BodyCheck {
  const sha256 = createHash('sha256')
  // MD5 costs three times as much as SHA-256 on processors that have instructions for the latter: only when asked.
  const md5 = digest?.algorithm === 'md5' ? createHash('md5') : null
  let total = 0

  return {
    add(chunk) {
      total += chunk.byteLength
      if (size !== undefined && total > size)
        throw new ObjectStoreError('size-mismatch', `More than ${size} bytes came`)
      if (maxSize !== undefined && total > maxSize) {
        throw new ObjectStoreError('too-large', `More than ${maxSize} bytes came`)
      }
      sha256.update(chunk)
      md5?.update(chunk)
    },

    finish() {
      if (size !== undefined && total !== size) {
        throw new ObjectStoreError('size-mismatch', `${total} of ${size} bytes came`)
      }
      const hash = sha256.digest()
      if (digest !== undefined) compare(digest, md5, hash)
      return { size: total, sha256: hash }
    },
  }
}

function compare(expected: ExpectedDigest, md5: Hash | null, sha256: Uint8Array): void {
  const actual = md5 === null ? sha256 : md5.digest()
  if (actual.byteLength !== expected.value.byteLength || !timingSafeEqual(actual, expected.value)) {
    throw new ObjectStoreError('checksum-mismatch', `The bytes do not match their ${expected.algorithm} checksum`)
  }
}
