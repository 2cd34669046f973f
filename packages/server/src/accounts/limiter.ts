/**
 * Token buckets that slow down guessing. In this process only and bounded in memory: several processes allow as many
 * times more, and what is forgotten first is what was not used for longest.
 */

export interface LimiterOptions {
  /** Attempts that may come at once. */
  burst: number
  /** Seconds after which one more is allowed. */
  refillSeconds: number
  /** Buckets kept; the one not used for longest goes first. */
  maxKeys?: number
  now?: () => Date
}

export type Verdict =
  | { allowed: true }
  | {
      allowed: false
      /** Seconds until the next attempt is allowed. */
      retryAfter: number
      /** The first refusal since an attempt was last allowed; the others are not worth a record each. */
      isFirst: boolean
    }

export interface Limiter {
  take(key: string): Verdict
  /** Gives an attempt back that turned out well. */
  giveBack(key: string): void
}

interface Bucket {
  tokens: number
  /** Milliseconds since the epoch. */
  at: number
  refusing: boolean
}

export function createLimiter({
  burst,
  refillSeconds,
  maxKeys = 50_000,
  now = () => new Date(),
}: LimiterOptions): Limiter {
  const buckets = new Map<string, Bucket>()

  const use = (key: string): Bucket => {
    const at = now().getTime()
    const known = buckets.get(key) ?? { tokens: burst, at, refusing: false }
    const refilled = Math.max(0, at - known.at) / (refillSeconds * 1000)
    const bucket = { tokens: Math.min(burst, known.tokens + refilled), at, refusing: known.refusing }
    // Set again behind all others: a Map keeps insertion order, so its first key is the one unused for longest.
    buckets.delete(key)
    if (buckets.size >= maxKeys) {
      for (const oldest of buckets.keys()) {
        buckets.delete(oldest)
        break
      }
    }
    buckets.set(key, bucket)
    return bucket
  }

  return {
    take(key) {
      const bucket = use(key)
      if (bucket.tokens < 1) {
        const isFirst = !bucket.refusing
        bucket.refusing = true
        return { allowed: false, retryAfter: Math.ceil((1 - bucket.tokens) * refillSeconds), isFirst }
      }
      bucket.tokens -= 1
      bucket.refusing = false
      return { allowed: true }
    },

    giveBack(key) {
      const bucket = use(key)
      bucket.tokens = Math.min(burst, bucket.tokens + 1)
    },
  }
}
