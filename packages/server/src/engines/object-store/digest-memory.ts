/**
 * Remembers the SHA-256 of what this process wrote, so that completing an upload need not read it again. Bounded: the
 * oldest go first. An entry counts only for the entity tag it was made for.
 */
export interface DigestMemory {
  remember(name: string, etag: string, sha256: Uint8Array): void
  recall(name: string, etag: string): Uint8Array | null
  forget(name: string): void
}

/** About 200 bytes each. */
const defaultCapacity = 20_000

export function createDigestMemory(capacity = defaultCapacity): DigestMemory {
  const entries = new Map<string, { etag: string; sha256: Uint8Array }>()
  return {
    remember(name, etag, sha256) {
      // Deleting first moves the entry to the young end: a Map iterates in order of insertion.
      entries.delete(name)
      entries.set(name, { etag, sha256 })
      if (entries.size <= capacity) return
      const oldest = entries.keys().next()
      if (oldest.done !== true) entries.delete(oldest.value)
    },
    recall(name, etag) {
      const entry = entries.get(name)
      return entry !== undefined && entry.etag === etag ? entry.sha256 : null
    },
    forget(name) {
      entries.delete(name)
    },
  }
}
