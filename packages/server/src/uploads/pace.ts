/**
 * Tells the one photo somebody has just taken from the ten thousand of an import, without asking the database: a leaky
 * bucket an account, which each completed upload fills and time empties about as fast as photos are made ready. While it
 * is full more uploads of the account wait than anybody can be watching, and they are processed behind everybody's
 * single ones.
 */

/** Uploads that wait. */
const fewEnough = 30
/** Uploads a second that a small machine processes. */
const drained = 2
/** Accounts remembered; an idle one is forgotten long before. */
const remembered = 10_000

export interface Pace {
  /** Counts one upload of the account and tells whether it comes in bulk. */
  isBulk(accountId: string): boolean
}

/** @param now milliseconds; a test's own time. */
export function createPace(now: () => number = () => performance.now()): Pace {
  const buckets = new Map<string, { level: number; at: number }>()
  const levelOf = (bucket: { level: number; at: number } | undefined, at: number) =>
    bucket === undefined ? 0 : Math.max(0, bucket.level - ((at - bucket.at) / 1000) * drained)

  return {
    isBulk(accountId) {
      const at = now()
      const level = levelOf(buckets.get(accountId), at) + 1
      if (buckets.size >= remembered) {
        for (const [id, bucket] of buckets) if (levelOf(bucket, at) === 0) buckets.delete(id)
        if (buckets.size >= remembered) buckets.clear()
      }
      buckets.set(accountId, { level, at })
      return level > fewEnough
    },
  }
}
