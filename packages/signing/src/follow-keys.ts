/**
 * A key ring that follows its source, a file or the JWKS of another server: rotation and revocation take effect without a
 * restart. The ring is one object that changes; whoever holds it sees the keys of now.
 *
 * What can go wrong: the source does not answer, or is not a key set. Then the last known keys go on, for at most
 * `staleFor`, since a revocation may have been missed. No promise is shared between callers, so that this also runs in
 * Cloudflare Workers, where one request must not wait for the network of another.
 */
import { createKeyRing, type KeyRing, type KeyRingOptions, parseKeySet, type RingKey } from './keys.ts'

export interface FollowOptions extends KeyRingOptions {
  /** The JSON of the key set. */
  read(): Promise<string>
  /** Seconds for which keys are trusted that could not be confirmed; for ever by default. */
  staleFor?: number
  /** Told when a source begins to fail while known keys go on. */
  onError?: (error: unknown) => void
  /** Seconds from any fixed point. */
  now?: () => number
}

export interface FollowedKeys {
  ring: KeyRing
  /**
   * Reads the source, unless that began less than `maxAge` seconds ago (0 by default). Rejects only when there are no
   * known keys to go on with.
   */
  refresh(maxAge?: number): Promise<void>
}

/** Nothing is read before the first `refresh`. */
export function followKeys({
  read,
  staleFor = Number.POSITIVE_INFINITY,
  onError,
  now = () => performance.now() / 1000,
  ...options
}: FollowOptions): FollowedKeys {
  const ring = new Map<string, RingKey>()
  let text: string | null = null
  let began = Number.NEGATIVE_INFINITY
  let confirmed = Number.NEGATIVE_INFINITY
  let isFailing = false
  let reads = 0
  let newest = 0

  async function readOnce(at: number): Promise<void> {
    reads += 1
    const turn = reads
    const fresh = await read()
    const keys = fresh === text ? ring : await createKeyRing(parseKeySet(fresh), options)
    // Of two that overlap, the later one counts: the earlier may still hold a key that was revoked in between.
    if (turn < newest) return
    newest = turn
    confirmed = at
    if (fresh === text) return
    text = fresh
    replace(keys)
  }

  function replace(keys: KeyRing): void {
    ring.clear()
    for (const [kid, key] of keys) ring.set(kid, key)
  }

  return {
    ring,
    async refresh(maxAge = 0) {
      const at = now()
      if (text !== null && at - began < maxAge) return
      began = at
      try {
        await readOnce(at)
        isFailing = false
      } catch (error) {
        if (text !== null && at - confirmed > staleFor) {
          text = null
          replace(new Map())
        }
        if (text === null) throw error
        if (!isFailing) onError?.(error)
        isFailing = true
      }
    },
  }
}

export interface RemoteKeysOptions extends Omit<FollowOptions, 'read'> {
  /** `https://…/.well-known/jwks.json`. */
  url: string
}

/** The public keys of another server. */
export function followRemoteKeys({ url, ...options }: RemoteKeysOptions): FollowedKeys {
  return followKeys({
    staleFor: 3600,
    ...options,
    async read() {
      const response = await fetch(url, { signal: AbortSignal.timeout(5000) })
      if (!response.ok) throw new Error(`${url} answered ${response.status}`)
      return response.text()
    },
  })
}
