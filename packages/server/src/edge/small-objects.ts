/**
 * Small objects in memory, for what a page full of thumbnails asks for again and again. Each is kept with a proof, a look
 * at the file that says whether the object is still there; it is looked at for every answer.
 */
import type { ObjectInfo, ObjectKey } from '../engines/object-store/object-store.ts'
import { readAll } from './byte-reader.ts'
import type { ByteSource, Proof } from './source.ts'

export interface SmallObjects {
  /** What is kept and is still there; null when only the source can tell. */
  recall(key: ObjectKey): ObjectInfo | null
  isSmall(info: ObjectInfo): boolean
  /** All bytes of a small object, as the source or `recall` told of it. Not to be written to. */
  read(info: ObjectInfo): Buffer | Promise<Buffer>
}

export interface SmallObjectsOptions {
  source: Pick<ByteSource, 'open' | 'prove'>
  /** Bytes kept at most; what was used longest ago goes first. */
  capacity?: number
  /** Largest object, bytes. */
  largest?: number
}

interface Kept {
  info: ObjectInfo
  bytes: Buffer
  /** Null when only asking the source tells. */
  proof: Proof | null
}

/** What one entry costs besides its bytes. */
const overhead = 1024

export function createSmallObjects({
  source,
  capacity = 32 * 1024 ** 2,
  largest = 64 * 1024,
}: SmallObjectsOptions): SmallObjects {
  /** In the order of their last use. */
  const kept = new Map<ObjectKey, Kept>()
  const reading = new Map<string, Promise<Buffer>>()
  let held = 0

  function forget(key: ObjectKey): void {
    const entry = kept.get(key)
    if (entry === undefined) return
    kept.delete(key)
    held -= entry.bytes.length + overhead
  }

  function keep(entry: Kept): void {
    forget(entry.info.key)
    kept.set(entry.info.key, entry)
    held += entry.bytes.length + overhead
    for (const oldest of kept.keys()) {
      if (held <= capacity) return
      forget(oldest)
    }
  }

  async function load(info: ObjectInfo): Promise<Buffer> {
    const bytes = await readAll(await source.open(info, { start: 0, end: info.size - 1 }), info.size)
    keep({ info, bytes, proof: source.prove(info) })
    return bytes
  }

  return {
    recall(key) {
      const entry = kept.get(key)
      return entry?.proof?.() === true ? entry.info : null
    },

    isSmall: ({ size }) => size > 0 && size <= largest,

    read(info) {
      const entry = kept.get(info.key)
      if (entry?.info.etag === info.etag) {
        kept.delete(info.key)
        kept.set(info.key, entry)
        return entry.bytes
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
