/**
 * How much the cache may hold. What is about to be written takes its room first; when nine tenths are taken, the files
 * used longest ago go until eight are. The folder itself is the record: it is walked now and then, so that what other
 * processes write into it counts too, and nothing is held in memory for a file.
 *
 * Who goes is decided by a histogram of ages with buckets one percent apart: one walk fills it, a second one removes
 * what is older than the bucket in which enough is gathered, and of that bucket what is needed.
 */
import { type CacheFolder, removeFile, statIfThere } from './folder.ts'

export interface Room {
  /** False when there is none, not even for a moment. Otherwise to be followed by `kept` or `returned`. */
  take(bytes: number): boolean
  kept(bytes: number): void
  returned(bytes: number): void
  /** Walks the folder, and clears what is too much. One walk at a time. */
  settle(): Promise<void>
}

export interface RoomOptions {
  folder: Pick<CacheFolder, 'files'>
  /** Bytes. */
  limit: number
  now: () => Date
  onError: (error: unknown) => void
}

/** Files take whole blocks of the disk. */
const diskBlock = 4096
const occupied = (bytes: number) => Math.ceil(bytes / diskBlock) * diskBlock

const bucketsPerOctave = 64
const bucketOf = (ageMs: number) => Math.floor(Math.log2(Math.max(1, ageMs)) * bucketsPerOctave)

export function createRoom({ folder, limit, now, onError }: RoomOptions): Room {
  /** What the last walk found and what this process added since; what it is writing. */
  let held = 0
  let taken = 0
  let addedSinceWalk = 0
  let walking: Promise<void> | null = null

  const isDue = () => held + taken > limit * 0.9 || addedSinceWalk > limit * 0.05

  async function walk(): Promise<void> {
    addedSinceWalk = 0
    const ages = new Map<number, number>()
    let found = 0
    for await (const path of folder.files()) {
      const stats = await statIfThere(path)
      if (stats === null) continue
      const bucket = bucketOf(now().getTime() - stats.atimeMs)
      ages.set(bucket, (ages.get(bucket) ?? 0) + occupied(stats.size))
      found += occupied(stats.size)
    }
    // What came during the walk may be counted twice, until the next one.
    held = found + addedSinceWalk
    if (held + taken > limit * 0.9) held -= await clear(ages, held + taken - limit * 0.8)
  }

  /** Returns the bytes that went. */
  async function clear(ages: Map<number, number>, excess: number): Promise<number> {
    let gathered = 0
    let youngest = Number.POSITIVE_INFINITY
    for (const [bucket, bytes] of [...ages].sort(([a], [b]) => b - a)) {
      if (gathered >= excess) break
      gathered += bytes
      youngest = bucket
    }
    let freed = 0
    for (const pass of ['older', 'as old'] as const) {
      for await (const path of folder.files()) {
        if (freed >= excess) return freed
        const stats = await statIfThere(path)
        if (stats === null) continue
        const bucket = bucketOf(now().getTime() - stats.atimeMs)
        if (pass === 'older' ? bucket <= youngest : bucket < youngest) continue
        await removeFile(path)
        freed += occupied(stats.size)
      }
    }
    return freed
  }

  async function settle(): Promise<void> {
    walking ??= walk()
      .catch(onError)
      .finally(() => {
        walking = null
      })
    await walking
  }

  return {
    take(bytes) {
      if (held + taken + occupied(bytes) > limit) {
        void settle()
        return false
      }
      taken += occupied(bytes)
      return true
    },
    kept(bytes) {
      taken -= occupied(bytes)
      held += occupied(bytes)
      addedSinceWalk += occupied(bytes)
      if (isDue()) void settle()
    },
    returned(bytes) {
      taken -= occupied(bytes)
    },
    settle,
  }
}
