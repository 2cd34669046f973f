/** What is known of the photos near the one that is shown: asked for once each, again when a signed URL has died, bounded in number. */
import type { Asset } from '@heliograph/client'

export class KnownAsset {
  asset = $state.raw<Asset | null>(null)
  /** Why it could not be loaded; null again once it is. */
  error = $state.raw<unknown>(null)
}

export interface Assets {
  /** What is known of it; begins to ask when that is nothing. */
  of(id: string): KnownAsset
  /** Asks again. Failures are told by `error`. */
  refresh(id: string): Promise<void>
  /** It is known to be so now. */
  put(asset: Asset): void
  /** Asks again what failed: the connection is back. */
  retryFailed(): void
}

export function createAssets(load: (id: string) => Promise<Asset>, limit = 40): Assets {
  // In the order of their last use.
  const known = new Map<string, KnownAsset>()
  const asked = new Map<string, Promise<void>>()

  function entry(id: string): KnownAsset {
    const found = known.get(id) ?? new KnownAsset()
    known.delete(id)
    known.set(id, found)
    for (const oldest of known.keys()) {
      if (known.size <= limit) break
      known.delete(oldest)
    }
    return found
  }

  async function ask(id: string): Promise<void> {
    try {
      const asset = await load(id)
      const found = entry(id)
      found.asset = asset
      found.error = null
    } catch (error) {
      entry(id).error = error
    } finally {
      asked.delete(id)
    }
  }

  function refresh(id: string): Promise<void> {
    const running = asked.get(id) ?? ask(id)
    asked.set(id, running)
    return running
  }

  return {
    refresh,
    of(id) {
      const found = entry(id)
      if (found.asset === null && found.error === null) void refresh(id)
      return found
    },
    put(asset) {
      const found = entry(asset.id)
      found.asset = asset
      found.error = null
    },
    retryFailed() {
      for (const [id, { error }] of [...known]) if (error !== null) void refresh(id)
    },
  }
}
