/**
 * A cache on disk in front of a store that is elsewhere. Objects are kept in blocks, so that seeking in a video costs the
 * blocks it touches and a fill is never long; what the store said of an object is kept beside them and asked again after
 * `maxAge`. See `docs/decisions/0035-edge-cache.md`.
 *
 * What could go wrong: a full or failing disk is a warning, and the bytes come from the store; a store that fails
 * half-way breaks the connections that need its bytes; a deleted object is gone at once where the deleting process uses
 * this folder (`purgeOnDelete`), and after `maxAge` everywhere.
 */
import { mkdirSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { isMissing } from '../../engines/object-store/file/errors.ts'
import type { ObjectInfo, ObjectStore } from '../../engines/object-store/object-store.ts'
import { readStream } from '../byte-reader.ts'
import type { ByteSource } from '../source.ts'
import { readBlocks } from './block-reader.ts'
import { type Fill, type OpenBlock, onDisk, readAt, startFill } from './fill.ts'
import { CacheFailed, createCacheFolder, statIfThere } from './folder.ts'
import { createKnownObjects, noteUse } from './known-objects.ts'
import { createRoom } from './room.ts'

export interface CacheOptions {
  store: Pick<ObjectStore, 'head' | 'get'>
  /** Made when missing; may be shared by processes. */
  folder: string
  /** Bytes it may hold. */
  limit: number
  /** Seconds for which an object is served without asking the store whether it is still there. */
  maxAge: number
  /** Bytes of a block; 8 MiB by default. */
  blockSize?: number
  now?: () => Date
  /** Told of every block looked for, and of bytes that came from the store. */
  meter?: CacheMeter
  /** The disk of the cache fails; clients do not notice. */
  onError: (error: unknown) => void
}

export interface CacheMeter {
  /** `hit`: it was there; `joined`: it was on its way already. */
  cacheBlock(outcome: 'hit' | 'joined' | 'miss' | 'failed'): void
  cacheFilled(bytes: number): void
}

export interface EdgeCache extends ByteSource {
  /** Removes what writers that are gone left, and what is too much. */
  settle(): Promise<void>
}

export const defaultBlockSize = 8 * 1024 ** 2

const unmetered: CacheMeter = { cacheBlock: () => undefined, cacheFilled: () => undefined }

/** Throws when the folder cannot be made. */
export function createEdgeCache(options: CacheOptions): EdgeCache {
  const { store, maxAge, limit, blockSize = defaultBlockSize, meter = unmetered } = options
  const onError = seldom(options.onError)
  const now = options.now ?? (() => new Date())
  mkdirSync(options.folder, { recursive: true })
  const folder = createCacheFolder(options.folder)
  const room = createRoom({ folder, limit, now, onError })
  const known = createKnownObjects({ store, folder, room, maxAge, now, onError })
  const fills = new Map<string, Fill>()

  const rangeOf = (info: ObjectInfo, index: number) => ({
    start: index * blockSize,
    end: Math.min((index + 1) * blockSize, info.size) - 1,
  })

  async function openBlock(info: ObjectInfo, index: number, signal: AbortSignal): Promise<OpenBlock> {
    const path = folder.blockPath(info, index)
    const range = rangeOf(info, index)
    const running = () => {
      const fill = fills.get(path)
      if (fill?.isAlive !== true) return null
      meter.cacheBlock('joined')
      return fill.join(signal)
    }
    const joined = running()
    if (joined !== null) return joined
    const stored = await onDisk(openStored(path, range.end - range.start + 1, now))
    if (stored !== null) {
      meter.cacheBlock('hit')
      return stored
    }
    // Someone else may have begun it meanwhile.
    const late = running()
    if (late !== null) return late
    meter.cacheBlock('miss')
    const onBytes = (count: number) => meter.cacheFilled(count)
    const onEnd = () => void (fills.get(path) === fill && fills.delete(path))
    const fill: Fill = startFill({ store, folder, room, info, path, range, now, onBytes, onEnd, onError })
    fills.set(path, fill)
    return fill.join(signal)
  }

  return {
    head: known.head,
    prove: known.prove,

    open: (info, range, signal) =>
      readBlocks({
        range,
        blockSize,
        openBlock: (index, leaving) => openBlock(info, index, leaving),
        async openStore(part, leaving) {
          meter.cacheBlock('failed')
          const { body } = await store.get(info.key, { range: part, signal: leaving })
          return readStream(body)
        },
        ...(signal && { signal }),
        onCacheFailed: ({ cause }) => onError(cause),
      }),

    async pathOf(info) {
      if (info.size === 0 || info.size > blockSize) return null
      const path = folder.blockPath(info, 0)
      const stats = await statIfThere(path)
      if (stats?.size !== info.size) return null
      await noteUse(path, stats, now())
      return path
    },

    settle: room.settle,
  }
}

/** A store whose deletions also remove the object from the cache in this folder. */
export function purgeOnDelete<S extends ObjectStore>(store: S, folder: string): S {
  const cache = createCacheFolder(folder)
  return {
    ...store,
    async delete(key) {
      await store.delete(key)
      // When this fails the deletion has failed, and is tried again.
      await cache.purge([key])
    },
  }
}

/** A disk that fails does so for every request; one report in ten seconds is enough. */
function seldom(report: (error: unknown) => void): (error: unknown) => void {
  let next = 0
  return (error) => {
    if (performance.now() < next) return
    next = performance.now() + 10_000
    report(error)
  }
}

/** Null when it is not there, or not as long as it should be. */
async function openStored(path: string, size: number, now: () => Date): Promise<OpenBlock | null> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    if (isMissing(error)) return null
    throw error
  })
  if (handle === null) return null
  try {
    const stats = await handle.stat()
    if (stats.size === size) {
      await noteUse(path, stats, now())
      return { read: (position, into) => onDisk(readAt(handle, position, into)), close: () => handle.close() }
    }
  } catch (error) {
    await handle.close()
    if (isMissing(error)) return null
    throw error
  }
  await handle.close()
  return null
}

export { CacheFailed }
