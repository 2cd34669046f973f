/** Where the edge reads what it serves: the object store itself, or the cache in front of one that is elsewhere. */
import type { Readable } from 'node:stream'
import type { ByteRange, ObjectInfo, ObjectKey, ObjectStore } from '../engines/object-store/object-store.ts'

export interface ByteSource {
  /** Null when there is none, or none any more. */
  head(key: ObjectKey): Promise<ObjectInfo | null>
  /**
   * Bytes of the object that `head` told of. Rejects while nothing is sent yet when they cannot be had; a stream that
   * fails later must break the connection. Destroying the stream, or the signal before there is one, ends every read that only it needed.
   */
  open(info: ObjectInfo, range: ByteRange, signal?: AbortSignal): Promise<Readable>
  /** A file of this machine that holds exactly the object, for another program to send; null when there is none. */
  pathOf(info: ObjectInfo): Promise<string | null>
}

export function storeSource(store: Pick<ObjectStore, 'head' | 'get' | 'localPath'>): ByteSource {
  return {
    head: (key) => store.head(key),
    async open({ key, size }, range, signal) {
      const isWhole = range.start === 0 && range.end === size - 1
      const { body } = await store.get(key, { ...(!isWhole && { range }), ...(signal && { signal }) })
      return body
    },
    pathOf: async ({ key }) => store.localPath(key),
  }
}
