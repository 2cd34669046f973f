/**
 * How many bodies this process receives at once. Beyond that, more would only make all of them slow and memory unbounded:
 * the next client is told to come back, before a byte of its body is read.
 */
import { type Problem, problems } from '../problem.ts'

export interface Admission {
  /**
   * Takes a place and returns how to give it back, which may be called again without effect.
   * Throws `unavailable` (503 with `Retry-After`) when all are taken.
   */
  enter(): () => void
  /** Bodies being received now. */
  readonly active: number
}

/** One for the whole process, shared by every route that receives files. */
export function createAdmission(maxStreams: number): Admission {
  let active = 0
  return {
    get active() {
      return active
    },

    enter() {
      if (active >= maxStreams) throw tooBusy(maxStreams)
      active++
      let isInside = true
      return () => {
        if (isInside) active--
        isInside = false
      }
    },
  }
}

function tooBusy(maxStreams: number): Problem {
  // Spread out, so that those who were refused together do not come back together.
  const retryAfter = 1 + Math.floor(Math.random() * 5)
  return problems.unavailable(`This server receives ${maxStreams} files at once and no more. Try again shortly.`, {
    retryAfter,
  })
}
