/**
 * What was asked for lately, in memory: what the source told of it and, of small objects, the bytes, for a page full of
 * thumbnails. Each is kept with a proof, a look at a file that says whether the object is still there; it is looked at
 * for every answer.
 */
import type { ObjectInfo, ObjectKey } from '../engines/object-store/object-store.ts'
import { readAll } from './byte-reader.ts'
import type { ByteSource, Proof } from './source.ts'

export interface RecentObjects {
  /** As `head` of the source, without asking it where the proof holds. */
  head(key: ObjectKey): ObjectInfo | Promise<ObjectInfo | null>
  /** Without asking the source: null where no proof holds. */
  recall(key: ObjectKey): { info: ObjectInfo; bytes: Buffer | null } | null
  isSmall(info: ObjectInfo): boolean
  /** All bytes of a small object that `head` told of. Not to be written to. */
  read(info: ObjectInfo): Buffer | Promise<Buffer>
}

export interface RecentObjectsOptions {
  source: Pick<ByteSource, 'head' | 'open' | 'prove'>
  /** Bytes kept at most; what was used longest ago goes first. */
  capacity?: number
  /** Largest object whose bytes are kept. */
  largest?: number
}

interface Recent {
  info: ObjectInfo
  proof: Proof | null
  /** Null until they are asked for, and of large ones. */
  bytes: Buffer | null
}

/** What one entry costs besides its bytes. */
const overhead = 1024

export function createRecentObjects({
  source,
  capacity = 32 * 1024 ** 2,
  largest = 64 * 1024,
}: RecentObjectsOptions): RecentObjects {
  /** In the order of their last use. */
  const recent = new Map<ObjectKey, Recent>()
  const reading = new Map<string, Promise<Buffer>>()
  let held = 0

  const costOf = ({ bytes }: Recent) => overhead + (bytes?.length ?? 0)

  function forget(key: ObjectKey): void {
    const entry = recent.get(key)
    if (entry === undefined) return
    recent.delete(key)
    held -= costOf(entry)
  }

  /** Puts it last in line. */
  function keep(entry: Recent): void {
    forget(entry.info.key)
    recent.set(entry.info.key, entry)
    held += costOf(entry)
    for (const oldest of recent.keys()) {
      if (held <= capacity) return
      forget(oldest)
    }
  }

  async function ask(key: ObjectKey): Promise<ObjectInfo | null> {
    const info = await source.head(key)
    const known = recent.get(key)
    if (info === null) forget(key)
    else if (known?.info.etag !== info.etag) keep({ info, proof: source.prove(info), bytes: null })
    return info
  }

  async function load(info: ObjectInfo): Promise<Buffer> {
    const bytes = await readAll(await source.open(info, { start: 0, end: info.size - 1 }), info.size)
    keep({ info, proof: source.prove(info), bytes })
    return bytes
  }

  return {
    head(key) {
      const entry = recent.get(key)
      if (entry?.proof?.() !== true) return ask(key)
      keep(entry)
      return entry.info
    },

    recall(key) {
      const entry = recent.get(key)
      if (entry?.proof?.() !== true) return null
      keep(entry)
      return entry
    },

    isSmall: ({ size }) => size > 0 && size <= largest,

    read(info) {
      const entry = recent.get(info.key)
      if (entry?.info.etag === info.etag && entry.bytes !== null) return entry.bytes
      const name = `${info.key} ${info.etag}`
      const running = reading.get(name)
      if (running !== undefined) return running
      const loading = load(info).finally(() => reading.delete(name))
      reading.set(name, loading)
      return loading
    },
  }
}
