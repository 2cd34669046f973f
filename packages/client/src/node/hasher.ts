/** Native digests: about five times the speed of WebAssembly. */
import { createHash } from 'node:crypto'
import { createHasher, type Hasher } from '../hashing.ts'

export function createNodeHasher(): Hasher {
  return createHasher(async (algorithm) => {
    const hash = createHash(algorithm === 'md5' ? 'md5' : 'sha256')
    return { update: (chunk) => void hash.update(chunk), digest: () => hash.digest() }
  })
}
