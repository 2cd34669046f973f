/**
 * Encoded answers that are still true, so that scrolling over the same months again costs a look at their revision. What
 * an answer is true of is its tag; a place has one answer, that of its newest tag. Bounded in bytes, the least recently
 * asked for goes first.
 */
export interface Answer {
  body: Buffer
  /** Content coding the body is in; null for none. */
  coding: string | null
}

export interface Answers {
  /** The answer at the place with this tag; made once for all who wait for it, and forgotten when that fails. */
  get(place: string, tag: string, make: () => Promise<Answer>): Promise<Answer>
  /** Kept, with what keeping them takes. */
  readonly bytes: number
}

interface Entry {
  tag: string
  answer: Promise<Answer>
  /** Bytes; 0 while it is made. */
  size: number
}

/** About what a place costs beside its bytes. */
const overhead = 500

export function createAnswers(capacity: number): Answers {
  const entries = new Map<string, Entry>()
  let bytes = 0

  function forget(place: string, entry: Entry): void {
    if (entries.get(place) !== entry) return
    entries.delete(place)
    bytes -= entry.size
  }

  function keep(place: string, entry: Entry, { body }: Answer): void {
    if (entries.get(place) !== entry) return
    entry.size = body.byteLength + overhead
    bytes += entry.size
    for (const [oldest, old] of entries) {
      if (bytes <= capacity) return
      // What is being made weighs nothing yet, and somebody waits for it.
      if (old.size > 0) forget(oldest, old)
    }
  }

  function replace(place: string, tag: string, make: () => Promise<Answer>): Entry {
    const old = entries.get(place)
    if (old !== undefined) forget(place, old)
    const entry: Entry = { tag, answer: make(), size: 0 }
    entries.set(place, entry)
    entry.answer.then(
      (answer) => keep(place, entry, answer),
      () => forget(place, entry),
    )
    return entry
  }

  return {
    get(place, tag, make) {
      const known = entries.get(place)
      if (known === undefined || known.tag !== tag) return replace(place, tag, make).answer
      // The end of the map is what was asked for last.
      entries.delete(place)
      entries.set(place, known)
      return known.answer
    },
    get bytes() {
      return bytes
    },
  }
}
