/**
 * Where things lie below the root of a file store, and what makes a name durable there:
 *
 *     objects/<first segment>/<2 hex>/<rest>   the objects; a key of one segment lies under `objects/_`
 *     multipart/<upload id>/<part number>      received parts, and `upload.json` with the key
 *     tmp/                                     what is being written
 *
 * The hexadecimal digits come from the hash of the second segment, so that the objects of one thing stay together. They
 * make 256 folders: small enough for any file system at millions of objects, and few enough that a young library does not
 * make two folders, each flushed, for every photo. A new name survives a power cut only when its folder was flushed, and a new
 * folder only when the folder above it was.
 */
import { createHash } from 'node:crypto'
import { mkdir, open, rmdir } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { assertObjectKey, isObjectKey } from '../key.ts'
import type { ObjectKey } from '../object-store.ts'
import { hasCode, isMissing } from './errors.ts'

/** The first segment of a key without one: no segment of a key can start with it. */
const noFolder = '_'

/** Folders remembered as durable, at most; about 200 bytes each. */
const rememberedFolders = 16_384

export interface Layout {
  objects: string
  multipart: string
  tmp: string
  /** Throws a `TypeError` when this is no key. */
  objectPath(key: ObjectKey): string
  /** The folder of shards that the path of an object lies in. It is never removed. */
  shardOf(path: string): string
  /** The key of an object by its path below `objects`. */
  keyOf(relativePath: string): string
  /** The folders to walk for keys with this prefix, the narrowest that hold all of them. */
  folderOf(prefix: string): string
}

export function createLayout(root: string): Layout {
  const objects = join(root, 'objects')
  const split = (key: string): [first: string, rest: string] => {
    const slash = key.indexOf('/')
    return slash < 0 ? [noFolder, key] : [key.slice(0, slash), key.slice(slash + 1)]
  }
  const shard = (first: string, rest: string) => {
    const hash = createHash('sha256')
      .update(rest.split('/', 1)[0] ?? '')
      .digest('hex')
    return join(objects, first, hash.slice(0, 2))
  }

  return {
    objects,
    multipart: join(root, 'multipart'),
    tmp: join(root, 'tmp'),

    objectPath(key) {
      assertObjectKey(key)
      const [first, rest] = split(key)
      return join(shard(first, rest), rest)
    },

    shardOf(path) {
      return join(objects, ...path.slice(objects.length + 1).split(sep, 2))
    },

    keyOf(relativePath) {
      const [first, , ...rest] = relativePath.split(sep)
      return first === noFolder ? rest.join('/') : [first, ...rest].join('/')
    },

    folderOf(prefix) {
      const [first, rest] = split(prefix)
      // What is no segment never becomes a path: the whole tree is walked, and nothing in it will match.
      if (first === noFolder || !isObjectKey(first)) return objects
      return rest.includes('/') ? shard(first, rest) : join(objects, first)
    },
  }
}

/** Flushes the names in a folder to disk (fsync(2): not implied by flushing the files). */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } catch (error) {
    // Some file systems cannot flush a folder and write names through; Windows has no such call.
    if (!hasCode(error, 'EINVAL', 'ENOTSUP', 'EPERM', 'EISDIR')) throw error
  } finally {
    await handle.close()
  }
}

/**
 * Flushes folders, once for all who ask while a flush runs: theirs starts when it has ended, so it covers the names they
 * made before they asked.
 */
export function createFolderSync(): (path: string) => Promise<void> {
  const running = new Map<string, { current: Promise<void>; next: Promise<void> | null }>()

  function start(path: string): Promise<void> {
    const current = syncFolder(path).finally(() => {
      if (running.get(path)?.current === current) running.delete(path)
    })
    running.set(path, { current, next: null })
    return current
  }

  return (path) => {
    const flush = running.get(path)
    if (flush === undefined) return start(path)
    // Whether the flush before it failed is not ours to say.
    flush.next ??= flush.current.then(
      () => start(path),
      () => start(path),
    )
    return flush.next
  }
}

export interface Folders {
  /**
   * Makes the folder that this object will lie in, durably. Costs a look into a map for a shard that this process has
   * made sure of before; the folders below a shard are removed when they empty, so they are not remembered.
   */
  ensureFor(objectPath: string): Promise<void>
  /** Removes the folders that the deletion of this object left empty. */
  prune(objectPath: string): Promise<void>
}

export function createFolders({ objects, shardOf }: Pick<Layout, 'objects' | 'shardOf'>): Folders {
  const durable = new Map<string, Promise<void>>()

  async function make(path: string): Promise<void> {
    try {
      await mkdir(path)
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error
    }
    // Also when it was there: another process may have made it a moment ago and not flushed it yet.
    await syncFolder(dirname(path))
  }

  /** One attempt per folder, however many objects wait for it. */
  function ensure(path: string): Promise<void> {
    if (path === objects) return Promise.resolve()
    const known = durable.get(path)
    if (known !== undefined) return known
    const made = ensure(dirname(path)).then(() => make(path))
    if (durable.size >= rememberedFolders) durable.clear()
    durable.set(path, made)
    made.catch(() => durable.delete(path))
    return made
  }

  /** The folders between the shard and the object, outermost first. */
  function foldersBelowShard(objectPath: string, shard: string): string[] {
    const names = objectPath
      .slice(shard.length + 1)
      .split(sep)
      .slice(0, -1)
    return names.map((_, index) => join(shard, ...names.slice(0, index + 1)))
  }

  return {
    async ensureFor(objectPath) {
      const shard = shardOf(objectPath)
      await ensure(shard)
      for (const folder of foldersBelowShard(objectPath, shard)) await make(folder)
    },

    async prune(objectPath) {
      for (const folder of foldersBelowShard(objectPath, shardOf(objectPath)).reverse()) {
        try {
          await rmdir(folder)
        } catch (error) {
          if (hasCode(error, 'ENOTEMPTY', 'EEXIST')) return
          if (!isMissing(error)) throw error
        }
      }
    },
  }
}
