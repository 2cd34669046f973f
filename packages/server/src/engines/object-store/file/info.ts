/** What the file system tells about a stored file, as an object store tells it. */
import type { Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { ObjectInfo, ObjectKey } from '../object-store.ts'
import { isMissing } from './errors.ts'

/**
 * Strong, because a file is never written after it has its name: another content is another file, with another number or
 * another time. Linking and renaming keep it.
 */
export function etagOf(stats: Stats): string {
  const parts = [stats.size, Math.round(stats.mtimeMs * 1000), stats.ino]
  return `"${parts.map((part) => part.toString(36)).join('-')}"`
}

export function toInfo(key: ObjectKey, stats: Stats): ObjectInfo {
  return { key, size: stats.size, etag: etagOf(stats), lastModified: stats.mtime }
}

/** Null when there is no file of this name; a folder is none. */
export async function statFile(path: string): Promise<Stats | null> {
  try {
    const stats = await stat(path)
    return stats.isFile() ? stats : null
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}
