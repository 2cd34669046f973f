/** Selecting all there is, loaded or not: only what actions need of each item is kept. */
import type { Selection } from './selection.svelte.ts'
import type { GridSource } from './source.ts'

const atOnce = 400

/** Ends early when aborted or when the selection was cleared; what was reached by then stays selected. */
export async function selectEverything(source: GridSource, selection: Selection, signal: AbortSignal): Promise<void> {
  for (let from = 0; from < source.length && !signal.aborted; from += atOnce) {
    const items = await source.range(from, from + atOnce - 1)
    if (items.length === 0 || signal.aborted || (from > 0 && !selection.isActive)) return
    selection.add(items.map(({ id, kind, favorite, takenAt }) => ({ id, kind, favorite, takenAt })))
    source.keepNear(0, 0)
  }
}
