/**
 * The bytes of small objects in memory, for what a page full of thumbnails asks for again and again. Whether the object
 * is still there is not its business: it is asked for by the entity tag that the source told a moment ago.
 */
import { buffer } from 'node:stream/consumers'
import type { ObjectInfo } from '../engines/object-store/object-store.ts'
import type { ByteSource } from './source.ts'

export interface SmallObjects {
  isSmall(info: ObjectInfo): boolean
  /** All bytes of a small object. Not to be written to. */
  read(info: ObjectInfo): Promise<Buffer>
}

export interface SmallObjectsOptions {
  source: Pick<ByteSource, 'open'>
  /** Bytes kept at most; what was used longest ago goes first. */
  capacity?: number
  /** Largest object, bytes. */
  largest?: number
}

/** What one entry costs besides its bytes. */
const overhead = 512

export function createSmallObjects({
  source,
  capacity = 32 * 1024 ** 2,
  largest = 64 * 1024,
}: SmallObjectsOptions): SmallObjects {
  /** In the order of their last use. */
  const kept = new Map<string, { etag: string; bytes: Buffer }>()
  const reading = new Map<string, Promise<Buffer>>()
  let held = 0

  function forget(key: string): void {
    const entry = kept.get(key)
    if (entry === undefined) return
    kept.delete(key)
    held -= entry.bytes.length + overhead
  }

  function keep({ key, etag }: ObjectInfo, bytes: Buffer): void {
    forget(key)
    kept.set(key, { etag, bytes })
    held += bytes.length + overhead
    for (const oldest of kept.keys()) {
      if (held <= capacity) return
      forget(oldest)
    }
  }

  async function load(info: ObjectInfo): Promise<Buffer> {
    const bytes = await buffer(await source.open(info, { start: 0, end: info.size - 1 }))
    if (bytes.length !== info.size) throw new Error(`${info.key} has ${info.size} bytes and ${bytes.length} came`)
    keep(info, bytes)
    return bytes
  }

  return {
    isSmall: ({ size }) => size > 0 && size <= largest,

    read(info) {
      const entry = kept.get(info.key)
      if (entry?.etag === info.etag) {
        kept.delete(info.key)
        kept.set(info.key, entry)
        return Promise.resolve(entry.bytes)
      }
      const name = `${info.key} ${info.etag}`
      const running = reading.get(name)
      if (running !== undefined) return running
      const loading = load(info).finally(() => reading.delete(name))
      reading.set(name, loading)
      return loading
    },
  }
}
