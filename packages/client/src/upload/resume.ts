/**
 * Where the ids of unfinished uploads are kept, so that a reload or a second run continues them. It is a hint only: what
 * the store really holds is asked of the server, and an id that it does not know any more is forgotten.
 */
import type { UploadSource } from './source.ts'

export interface ResumeStore {
  get(fingerprint: string): Promise<string | null>
  set(fingerprint: string, uploadId: string): Promise<void>
  delete(fingerprint: string): Promise<void>
}

/** The same file on the same server; `sha256` in hexadecimal makes it certain. */
export function fingerprint(baseUrl: string, source: UploadSource, sha256: string): string {
  return [baseUrl, source.name, source.size, source.lastModified ?? '', sha256].join('|')
}

export function createMemoryResumeStore(): ResumeStore {
  const ids = new Map<string, string>()
  return {
    get: async (key) => ids.get(key) ?? null,
    set: async (key, id) => void ids.set(key, id),
    delete: async (key) => void ids.delete(key),
  }
}

const prefix = 'heliograph.upload:'

/** In a browser: `createBrowserResumeStore(localStorage)`. A full or forbidden storage costs the resuming, not the upload. */
export function createBrowserResumeStore(storage: Storage): ResumeStore {
  return {
    get: async (key) => storage.getItem(prefix + key),
    async set(key, id) {
      try {
        storage.setItem(prefix + key, id)
      } catch (error) {
        if (!(error instanceof DOMException)) throw error
      }
    },
    delete: async (key) => storage.removeItem(prefix + key),
  }
}
