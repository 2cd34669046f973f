/** The order of an album while it is arranged by hand, and each move as the server is told of it. */

export interface Move {
  /** What is moved, in its order. */
  ids: string[]
  /** What it stands before now; null at the end. */
  before: string | null
}

/** Takes one item out and puts it in at `to`, counted in the list without it. Null when that changes nothing. */
export function moveTo(order: readonly string[], id: string, to: number): { order: string[]; move: Move } | null {
  const from = order.indexOf(id)
  if (from === -1) return null
  const others = order.filter((one) => one !== id)
  const at = Math.min(Math.max(0, to), others.length)
  if (at === from) return null
  return {
    order: [...others.slice(0, at), id, ...others.slice(at)],
    move: { ids: [id], before: others[at] ?? null },
  }
}
