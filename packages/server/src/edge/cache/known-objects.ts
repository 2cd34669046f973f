/**
 * What the store said of objects, remembered for at most `maxAge`: the bound within which every edge, also one that no
 * purge reaches, learns that an object is gone. It counts from the moment the store was asked, and it fails closed: a
 * store that cannot be asked is an error, not an old answer.
 */
import type { Stats } from 'node:fs'
import { readFile, stat, utimes } from 'node:fs/promises'
import { isMissing } from '../../engines/object-store/file/errors.ts'
import type { ObjectInfo, ObjectKey, ObjectStore } from '../../engines/object-store/object-store.ts'
import { type Proof, statNow } from '../source.ts'
import type { CacheFolder } from './folder.ts'
import type { Room } from './room.ts'

export interface KnownObjectsOptions {
  store: Pick<ObjectStore, 'head'>
  folder: CacheFolder
  room: Room
  /** Seconds. */
  maxAge: number
  now: () => Date
  onError: (error: unknown) => void
}

export interface KnownObjects {
  /** Null when there is none. What it fails with is the store's failure. */
  head(key: ObjectKey): Promise<ObjectInfo | null>
  prove(info: ObjectInfo): Proof
}

/** Milliseconds between two notes that a file is in use. */
const noteEvery = 60_000

/** Answers held parsed, about 300 bytes each. */
const parsedAnswers = 20_000

export function createKnownObjects(options: KnownObjectsOptions): KnownObjects {
  const { store, folder, room, maxAge, now, onError } = options
  const asking = new Map<ObjectKey, Promise<ObjectInfo | null>>()
  const parsed = new Map<string, ObjectInfo>()

  function isFresh({ mtimeMs }: Stats): boolean {
    const age = now().getTime() - mtimeMs
    // A clock that was set back must not keep anything alive. Times of files are rounded below the millisecond.
    return age >= -1 && age < maxAge * 1000
  }

  /** Null when there is no answer, or it is too old. A disk that fails knows nothing. */
  async function recall(key: ObjectKey): Promise<ObjectInfo | null> {
    const path = folder.infoPath(key)
    try {
      const stats = await stat(path)
      if (!isFresh(stats)) return null
      const name = nameOf(key, stats)
      const known = parsed.get(name) ?? parse(key, await readFile(path, 'utf8'))
      if (known === null) return null
      if (parsed.size >= parsedAnswers) parsed.clear()
      parsed.set(name, known)
      await noteUse(path, stats, now())
      return known
    } catch (error) {
      if (!isMissing(error)) onError(error)
      return null
    }
  }

  async function ask(key: ObjectKey): Promise<ObjectInfo | null> {
    const askedAt = now()
    const answer = await claimInfo(key)
    let info: ObjectInfo | null
    try {
      info = await store.head(key)
      if (info === null) await folder.purge([key]).catch(onError)
      else await answer?.write(info, askedAt).catch(onError)
    } finally {
      await answer?.end().catch(onError)
    }
    // Purged while the store was asked: its answer may be from before that.
    return answer?.isPurged() === true && info !== null ? store.head(key) : info
  }

  /** Null when the disk does not let it be kept. */
  async function claimInfo(key: ObjectKey) {
    const reserved = 4096
    if (!room.take(reserved)) return null
    const claim = await folder.claim(folder.infoPath(key)).catch((error: unknown) => {
      onError(error)
      return null
    })
    if (claim === null) {
      room.returned(reserved)
      return null
    }
    let fate: 'unwritten' | 'kept' | 'purged' = 'unwritten'
    return {
      isPurged: () => fate === 'purged',

      async write({ size, etag, lastModified }: ObjectInfo, askedAt: Date) {
        await claim.handle.writeFile(JSON.stringify({ key, size, etag, lastModified: lastModified.getTime() }))
        await claim.handle.utimes(askedAt, askedAt)
        fate = (await claim.publish()) ? 'kept' : 'purged'
      },
      async end() {
        if (fate === 'kept') room.kept(reserved)
        else {
          await claim.discard()
          room.returned(reserved)
        }
        await claim.handle.close()
      },
    }
  }

  return {
    prove(info) {
      const path = folder.infoPath(info.key)
      return () => {
        const stats = statNow(path)
        if (stats === undefined || !isFresh(stats) || isNoteDue(stats, now())) return false
        return parsed.get(nameOf(info.key, stats))?.etag === info.etag
      }
    },

    async head(key) {
      const known = await recall(key)
      if (known !== null) return known
      const running = asking.get(key)
      if (running !== undefined) return running
      const answer = ask(key).finally(() => asking.delete(key))
      asking.set(key, answer)
      return answer
    },
  }
}

/** Has the access time of a file follow its use, in steps: a mount may not do so, and a write a read would be too many. */
export async function noteUse(path: string, { atimeMs, mtime }: Stats, now: Date): Promise<void> {
  if (isNoteDue({ atimeMs }, now)) await utimes(path, now, mtime)
}

function isNoteDue({ atimeMs }: Pick<Stats, 'atimeMs'>, now: Date): boolean {
  return now.getTime() - atimeMs >= noteEvery
}

/** Of one answer: asking again makes another file. */
function nameOf(key: ObjectKey, { ino, mtimeMs }: Stats): string {
  return `${key} ${ino} ${mtimeMs}`
}

function parse(key: ObjectKey, text: string): ObjectInfo | null {
  try {
    const value: unknown = JSON.parse(text)
    return isAnswer(value) && value.key === key ? { ...value, lastModified: new Date(value.lastModified) } : null
  } catch (error) {
    // Cut short by a power cut; what the store says replaces it.
    if (error instanceof SyntaxError) return null
    throw error
  }
}

interface Answer {
  key: string
  size: number
  etag: string
  lastModified: number
}

function isAnswer(value: unknown): value is Answer {
  if (typeof value !== 'object' || value === null) return false
  const { key, size, etag, lastModified } = value as Record<keyof Answer, unknown>
  return (
    typeof key === 'string' && typeof size === 'number' && typeof etag === 'string' && typeof lastModified === 'number'
  )
}
