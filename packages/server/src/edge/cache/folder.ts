/**
 * The folder of a cache, and how its files come and go. It may be shared by processes, and holds all there is to know:
 *
 *     <2 hex>/<object>.info             what the store said of an object; modified when it was asked
 *     <2 hex>/<object>.<etag>.<n>       block n of its bytes
 *     <2 hex>/<any of these>~<writer>   being written, and by whom
 *
 * where `<object>` is a hash of the key. The access time of a file says when it was last used. Every file may go at any
 * time; one that is open stays readable.
 *
 * A purge wins against every writer: a writer puts its temporary file there *before* it asks the store, and the purge,
 * which runs after the store said that the object is gone, removes temporary files too. Giving one its name then fails.
 * What is begun after the purge hears from the store that there is nothing.
 *
 * Nothing is flushed. After a power cut a file may be shorter than it should be, and readers compare sizes.
 */
import { createHash } from 'node:crypto'
import type { Stats } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isMissing } from '../../engines/object-store/file/errors.ts'
import { createTemporaryNames } from '../../engines/object-store/file/owner.ts'
import type { ObjectInfo, ObjectKey } from '../../engines/object-store/object-store.ts'

/** The disk of the cache failed, which no client may notice: the store has the bytes. */
export class CacheFailed extends Error {
  constructor(cause: unknown) {
    super('The cache cannot be used', { cause })
    this.name = 'CacheFailed'
  }
}

/** A file on its way into the cache. */
export interface Claim {
  handle: FileHandle
  /** Makes the file visible; false when it was purged meanwhile. The handle stays open. */
  publish(): Promise<boolean>
  /** Removes it, unless it was published or purged. That it cannot be removed now changes nothing for a client. */
  discard(): Promise<void>
}

export interface CacheFolder {
  infoPath(key: ObjectKey): string
  blockPath(info: Pick<ObjectInfo, 'key' | 'etag'>, index: number): string
  /** Throws `CacheFailed`. */
  claim(path: string): Promise<Claim>
  /** Removes all of these objects' files. To be called after the store said that they are gone. */
  purge(keys: readonly ObjectKey[]): Promise<void>
  /** Every file that is whole. Removes what writers left that are no more. */
  files(): AsyncIterable<string>
}

export function createCacheFolder(root: string): CacheFolder {
  const names = createTemporaryNames()

  async function listShard(shard: string): Promise<string[]> {
    try {
      return await readdir(shard)
    } catch (error) {
      if (isMissing(error)) return []
      throw error
    }
  }

  async function isLeftBehind(path: string, writer: string): Promise<boolean> {
    const stats = await statIfThere(path)
    return stats !== null && (await names.isAbandoned(writer, stats.mtime))
  }

  async function removeObject(key: ObjectKey): Promise<void> {
    const object = nameOf(key)
    const shard = join(root, object.slice(0, 2))
    const found = (await listShard(shard)).filter((name) => name.startsWith(object))
    // What makes the rest reachable goes first.
    const isInfo = (name: string) => Number(name.startsWith(`${object}.info`))
    for (const name of found.sort((a, b) => isInfo(b) - isInfo(a))) await removeFile(join(shard, name))
  }

  return {
    infoPath: (key) => pathOf(root, `${nameOf(key)}.info`),
    blockPath: ({ key, etag }, index) => pathOf(root, `${nameOf(key)}.${hash(etag).slice(0, 16)}.${index}`),

    async claim(path) {
      const temporary = `${path}~${names.next()}`
      const handle = await openNew(temporary)
      return {
        handle,
        async publish() {
          try {
            await rename(temporary, path)
            return true
          } catch (error) {
            if (isMissing(error)) return false
            throw new CacheFailed(error)
          }
        },
        discard: () => removeFile(temporary).catch(() => undefined),
      }
    },

    async purge(keys) {
      for (const key of keys) {
        await removeObject(key)
        // A file that was given its name while the folder was read may have been seen under neither of its names.
        await removeObject(key)
      }
    },

    async *files() {
      for (let shard = 0; shard < 256; shard++) {
        const folder = join(root, shard.toString(16).padStart(2, '0'))
        for (const name of await listShard(folder)) {
          const path = join(folder, name)
          const [, writer] = name.split('~')
          if (writer === undefined) yield path
          else if (await isLeftBehind(path, writer)) await removeFile(path)
        }
      }
    },
  }
}

const hash = (text: string) => createHash('sha256').update(text).digest('hex')
const nameOf = (key: ObjectKey) => hash(key).slice(0, 40)
const pathOf = (root: string, name: string) => join(root, name.slice(0, 2), name)

async function openNew(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx+').catch(async (error: unknown) => {
      if (!isMissing(error)) throw error
      await mkdir(dirname(path), { recursive: true })
      return await open(path, 'wx+')
    })
  } catch (error) {
    throw new CacheFailed(error)
  }
}

export async function statIfThere(path: string): Promise<Stats | null> {
  try {
    return await stat(path)
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

export async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}
