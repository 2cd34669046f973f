/** Uploaded files of which no picture can be shown yet; the changes of the library say when there is one, or that there will be none. */
import type { Asset } from '@heliograph/client'
import type { Change } from '../grid/changes.ts'

export interface PreparingDeps {
  /** Returns what ends it. */
  follow(listener: (change: Change) => void): () => void
  /** Opens the stream of events; returns what closes it. */
  open(): () => void
  /** Has these read again. */
  touch(ids: readonly string[]): void
  onChange(): void
}

export interface Preparing {
  add(asset: Asset): void
  readonly count: number
  /** Those of which no picture could be made. */
  readonly failed: number
  clear(): void
}

/** Milliseconds after which those that nothing was heard of are read again. */
const silence = 20_000
const readAtOnce = 100

export function createPreparing(deps: PreparingDeps): Preparing {
  const waiting = new Set<string>()
  let failed = 0
  let stop: (() => void) | null = null

  function start(): void {
    if (stop !== null) return
    const unfollow = deps.follow(hear)
    const close = deps.open()
    const timer = setInterval(() => deps.touch([...waiting].slice(0, readAtOnce)), silence)
    stop = () => {
      unfollow()
      close()
      clearInterval(timer)
    }
  }

  function hear({ updated = [], removed = [] }: Change): void {
    const before = waiting.size
    for (const item of updated) {
      if (item.state === 'processing' && item.thumb === null) continue
      if (waiting.delete(item.id) && item.state === 'failed') failed++
    }
    for (const id of removed) waiting.delete(id)
    if (waiting.size === before) return
    if (waiting.size === 0) end()
    deps.onChange()
  }

  function end(): void {
    stop?.()
    stop = null
  }

  return {
    add({ id, state, urls }) {
      if (state !== 'processing' || urls.thumb !== null) return
      waiting.add(id)
      start()
    },
    get count() {
      return waiting.size
    },
    get failed() {
      return failed
    },
    clear() {
      failed = 0
    },
  }
}
