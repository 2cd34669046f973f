/**
 * The signed URLs of an upload's parts. A plan carries at most 1,000 of them and they expire, so further and fresh ones are
 * fetched when a part needs them, some parts ahead, and forgotten when the part is stored.
 */
import type { PlannedPart } from '../api.ts'

export interface PartBook {
  get(number: number, signal: AbortSignal): Promise<PlannedPart>
  /** Fresh URLs in place of ones that expired. */
  renew(part: PlannedPart, signal: AbortSignal): Promise<PlannedPart>
  forget(number: number): void
}

/** Fetches the parts `from` to `to`, both included. */
export type FetchParts = (from: number, to: number, signal: AbortSignal) => Promise<PlannedPart[]>

const batchSize = 100

export function createPartBook(first: PlannedPart[], partCount: number, fetchParts: FetchParts): PartBook {
  const known = new Map(first.map((part) => [part.number, part]))
  let fetching: Promise<void> | null = null

  async function load(from: number, signal: AbortSignal): Promise<void> {
    const to = Math.min(from + batchSize - 1, partCount)
    for (const part of await fetchParts(from, to, signal)) known.set(part.number, part)
  }

  /** One request at a time: the parts in flight find out together that their URLs expired. */
  async function ensure(number: number, isMissing: () => boolean, signal: AbortSignal): Promise<void> {
    while (fetching !== null && isMissing()) await fetching
    if (!isMissing()) return
    const done = load(number, signal).finally(() => {
      fetching = null
    })
    fetching = done
    await done
  }

  function require(number: number): PlannedPart {
    const part = known.get(number)
    if (part === undefined) throw new Error(`The server signs no URL for part ${number} of ${partCount}`)
    return part
  }

  return {
    async get(number, signal) {
      await ensure(number, () => !known.has(number), signal)
      return require(number)
    },
    async renew(part, signal) {
      await ensure(part.number, () => known.get(part.number) === part, signal)
      return require(part.number)
    },
    forget: (number) => void known.delete(number),
  }
}
