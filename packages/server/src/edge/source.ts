/** Where the edge reads what it serves: the object store itself, or the cache in front of one that is elsewhere. */
import { statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { isMissing, storing } from '../engines/object-store/file/errors.ts'
import { etagOf } from '../engines/object-store/file/info.ts'
import {
  type ByteRange,
  type ObjectInfo,
  type ObjectKey,
  type ObjectStore,
  ObjectStoreError,
} from '../engines/object-store/object-store.ts'
import { type ByteReader, readFileRange, readStream } from './byte-reader.ts'

/**
 * True when the object is there now, by a look at a file that was looked at before: its inode is in the system's memory, so
 * that this costs two microseconds, where handing it to another thread costs forty. False when that look does not tell.
 */
export type Proof = () => boolean

export interface ByteSource {
  /** Null when there is none, or none any more. */
  head(key: ObjectKey): Promise<ObjectInfo | null>
  /**
   * Bytes of the object that `head` told of. Rejects while nothing is sent yet when they cannot be had; a reader that
   * fails later must break the connection. Closing the reader, or the signal before there is one, ends every read
   * that only it needed.
   */
  open(info: ObjectInfo, range: ByteRange, signal?: AbortSignal): Promise<ByteReader>
  /** A file of this machine that holds exactly the object, for another program to send; null when there is none. */
  pathOf(info: ObjectInfo): Promise<string | null>
  /** Null where only `head` tells. */
  prove(info: ObjectInfo): Proof | null
}

export function storeSource(store: Pick<ObjectStore, 'head' | 'get' | 'localPath'>): ByteSource {
  return {
    head: (key) => store.head(key),
    async open({ key, size }, range, signal) {
      const path = store.localPath(key)
      if (path !== null) return readFileRange(await openObject(path), range)
      const isWhole = range.start === 0 && range.end === size - 1
      const { body } = await store.get(key, { ...(!isWhole && { range }), ...(signal && { signal }) })
      return readStream(body)
    },
    pathOf: async ({ key }) => store.localPath(key),
    prove({ key, etag }) {
      const path = store.localPath(key)
      if (path === null) return null
      return () => {
        const stats = statNow(path)
        return stats?.isFile() === true && etagOf(stats) === etag
      }
    },
  }
}

async function openObject(path: string) {
  return storing(async () => {
    try {
      return await open(path, 'r')
    } catch (error) {
      // Deleted since it was looked for.
      if (isMissing(error)) throw new ObjectStoreError('not-found', 'The object is gone')
      throw error
    }
  })
}

/** Undefined for what is not there, and for what the disk does not tell. */
export function statNow(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    // Whoever needs to know why asks the source, which says it.
    return undefined
  }
}
