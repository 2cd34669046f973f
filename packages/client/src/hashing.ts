/**
 * Digests in constant memory. The default is WebAssembly, which works on every page (WebCrypto needs HTTPS and the whole
 * file in memory). `node.ts` brings a native one; `hash-worker.ts` runs this one off the page's thread.
 */
import { createMD5, createSHA256 } from 'hash-wasm'
import type { ByteSlice } from './upload/source.ts'

export type DigestAlgorithm = 'sha-256' | 'md5'

export interface DigestOptions {
  signal?: AbortSignal
  /** Called with the number of bytes hashed so far. */
  onProgress?: (bytes: number) => void
}

export interface Hasher {
  /** Digest of all bytes of `slice`. Rejects with the signal's reason when aborted. */
  digest(algorithm: DigestAlgorithm, slice: ByteSlice, options?: DigestOptions): Promise<Uint8Array>
}

/** What every hash library offers. */
export interface IncrementalHash {
  update(chunk: Uint8Array): void
  digest(): Uint8Array
}

/** A hasher out of an incremental hash; reads `slice` chunk by chunk. */
export function createHasher(create: (algorithm: DigestAlgorithm) => Promise<IncrementalHash>): Hasher {
  return {
    async digest(algorithm, slice, { signal, onProgress } = {}) {
      signal?.throwIfAborted()
      const hash = await create(algorithm)
      const reader = slice.stream().getReader()
      let bytes = 0
      try {
        for (;;) {
          const { done, value } = await reader.read()
          signal?.throwIfAborted()
          if (done) return hash.digest()
          hash.update(value)
          bytes += value.byteLength
          onProgress?.(bytes)
        }
      } finally {
        // Closes the file; after the end it does nothing.
        await reader.cancel()
      }
    },
  }
}

export function createWasmHasher(): Hasher {
  return createHasher(async (algorithm) => {
    const hash = algorithm === 'md5' ? await createMD5() : await createSHA256()
    hash.init()
    return {
      update: (chunk) => void hash.update(chunk),
      digest: () => hash.digest('binary'),
    }
  })
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

export function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}
