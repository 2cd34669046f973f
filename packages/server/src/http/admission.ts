/**
 * How many files this process receives, or sends, at once. Beyond that, more would only make all of them slow and memory
 * unbounded: the next client is told to come back, before a byte is read.
 */
import { type Problem, problems } from '../problem.ts'

export interface Admission {
  /**
   * Takes a place and returns how to give it back, which may be called again without effect.
   * Throws `unavailable` (503 with `Retry-After`) when all are taken.
   */
  enter(): () => void
  /** Files under way now. */
  readonly active: number
}

/** One of each for the whole process, shared by every route that receives files and by every one that sends them. */
export function createAdmission(maxStreams: number, verb: 'receives' | 'sends' = 'receives'): Admission {
  let active = 0
  return {
    get active() {
      return active
    },

    enter() {
      if (active >= maxStreams) throw tooBusy(maxStreams, verb)
      active++
      let isInside = true
      return () => {
        if (isInside) active--
        isInside = false
      }
    },
  }
}

function tooBusy(maxStreams: number, verb: string): Problem {
  // Spread out, so that those who were refused together do not come back together.
  const retryAfter = 1 + Math.floor(Math.random() * 5)
  return problems.unavailable(`This server ${verb} ${maxStreams} files at once and no more. Try again shortly.`, {
    retryAfter,
  })
}
