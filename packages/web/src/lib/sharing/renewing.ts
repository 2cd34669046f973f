/**
 * The addresses of pictures are over after some minutes. What is on the screen gets new ones when the page is looked at again
 * after a while, and when a picture did not come; nothing moves meanwhile.
 */
import type { Asset, Page } from '@heliograph/client'
import { changes } from '../grid/changes.ts'
import { itemOf } from '../grid/item.ts'

export interface RenewingOptions {
  loadPage(cursor: string | null): Promise<Page<Asset>>
  /** Items that are on the screen or were. */
  loaded(): number
  /** Also asked again: what stands around the grid. */
  refresh(): Promise<unknown>
  /** Milliseconds that an address is good for at least. */
  life: number
  now?: () => number
}

/** Milliseconds between two tries because of pictures that do not come; there may be other reasons than their address. */
const rest = 20_000

export function createRenewing({ loadPage, loaded, refresh, life, now = Date.now }: RenewingOptions) {
  let renewedAt = now()
  let running: Promise<void> | null = null

  async function renew(): Promise<void> {
    renewedAt = now()
    await refresh()
    let cursor: string | null = null
    let seen = 0
    do {
      const page: Page<Asset> = await loadPage(cursor)
      changes.emit({ updated: page.items.map(itemOf) })
      seen += page.items.length
      cursor = page.nextCursor
    } while (cursor !== null && seen < loaded())
  }

  function begin(): void {
    // Failures are told where somebody asks for something; this was nobody's wish.
    running ??= renew()
      .catch(() => undefined)
      .finally(() => {
        running = null
      })
  }

  return {
    /** The page is seen again. */
    woken(): void {
      if (now() - renewedAt > life) begin()
    },
    /** A picture did not come. */
    failed(): void {
      if (now() - renewedAt > rest) begin()
    },
    /** Somebody waits for what is not there yet. */
    again: begin,
    /** For tests: until nothing is under way. */
    settled: () => running ?? Promise.resolve(),
  }
}
