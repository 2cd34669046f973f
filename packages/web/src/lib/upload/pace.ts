/**
 * How fast a queue moves and how long it will take, as numbers that can be read: averages over some seconds, and an end that
 * counts down like a clock and is corrected only when it is wrong by much.
 */

export interface Pace {
  /** All that was done so far. `bytes` and `files` of the queue, found on the server or sent; `sent` bytes by the network. */
  update(done: { bytes: number; files: number; sent: number }): void
  /** After a rest, whose time does not count. */
  restart(): void
  /** Bytes a second that are sent; null until enough was seen. */
  readonly bytesPerSecond: number | null
  /** Null until enough was seen, and while nothing moves. */
  secondsLeft(left: { bytes: number; files: number }): number | null
}

/** Milliseconds after which what was seen counts a third (1/e). */
const memory = 8_000
/** Milliseconds before anything is said. */
const patience = 2_500
const manyFiles = 20

export function createPace(now: () => number): Pace {
  let last: { at: number; bytes: number; files: number; sent: number } | null = null
  // Sums that fade alike: their quotients are averages, right from the first moment on.
  const sums = { ms: 0, bytes: 0, files: 0, sent: 0 }
  let seen = 0

  const perMs = (sum: number) => (sums.ms === 0 ? 0 : sum / sums.ms)
  const knows = () => seen >= patience

  return {
    update(done) {
      const at = now()
      if (last !== null && at > last.at) {
        const ms = at - last.at
        const fade = Math.exp(-ms / memory)
        seen += ms
        sums.ms = sums.ms * fade + ms
        // A part that is sent anew goes back: nothing was done, but nothing was undone in the past either.
        for (const name of ['bytes', 'files', 'sent'] as const) {
          sums[name] = sums[name] * fade + Math.max(0, done[name] - last[name])
        }
      }
      last = { at, ...done }
    },
    restart() {
      last = null
    },
    get bytesPerSecond() {
      return knows() ? perMs(sums.sent) * 1000 : null
    },
    secondsLeft(left) {
      if (!knows()) return null
      const byBytes = timeFor(left.bytes, perMs(sums.bytes))
      if (byBytes === null) return null
      // Many small files are bound by their number, few large ones by their bytes.
      const byFiles = left.files < manyFiles ? null : timeFor(left.files, perMs(sums.files))
      return Math.max(byBytes, byFiles ?? 0) / 1000
    },
  }
}

/** Less than this in a second is standing still. */
const slowest = 1 / 1000

function timeFor(amount: number, perMs: number): number | null {
  if (amount === 0) return 0
  return perMs * 1000 < slowest ? null : amount / perMs
}

export interface CalmClock {
  /** What to show now, seconds; null when there is nothing to say. */
  show(estimate: number | null): number | null
}

/** Milliseconds between corrections. */
const correctedEvery = 3_000

export function createCalmClock(now: () => number): CalmClock {
  let end: number | null = null
  let correctedAt = Number.NEGATIVE_INFINITY

  return {
    show(estimate) {
      const at = now()
      if (estimate === null) {
        end = null
        return null
      }
      const shown = end === null ? null : (end - at) / 1000
      const isWrong = shown === null || Math.abs(estimate - shown) > 3 + 0.15 * Math.max(estimate, shown)
      if (isWrong && (shown === null || at - correctedAt >= correctedEvery)) {
        end = at + estimate * 1000
        correctedAt = at
      }
      return Math.max(0, ((end ?? at) - at) / 1000)
    },
  }
}

/** A span as people say it; never a number that changes every second. */
export type SpokenSpan =
  | { unit: 'moment' }
  | { unit: 'seconds' | 'minutes'; value: number }
  | { unit: 'hours'; hours: number; minutes: number }

export function spokenSpan(seconds: number): SpokenSpan {
  if (seconds <= 10) return { unit: 'moment' }
  if (seconds <= 50) return { unit: 'seconds', value: Math.ceil(seconds / 10) * 10 }
  const minutes = Math.ceil(seconds / 60)
  if (minutes < 60) return { unit: 'minutes', value: minutes }
  const tens = Math.ceil(seconds / 600)
  return { unit: 'hours', hours: Math.floor(tens / 6), minutes: (tens % 6) * 10 }
}
