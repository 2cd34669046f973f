/** What a screen reader says of a long upload: each tenth of it and the end, and never two things close together. */

export interface Announcer {
  /** `fraction` of what is under way, null when nothing is. Returns the percentage to say now, or null to stay silent. */
  hear(fraction: number | null): number | null
}

/** Milliseconds. */
const shortestSilence = 8_000

export function createAnnouncer(now: () => number): Announcer {
  let saidTenth = 0
  let saidAt = Number.NEGATIVE_INFINITY
  return {
    hear(fraction) {
      if (fraction === null) {
        saidTenth = 0
        return null
      }
      const tenth = Math.floor(fraction * 10)
      if (tenth <= saidTenth || tenth >= 10 || now() - saidAt < shortestSilence) return null
      saidTenth = tenth
      saidAt = now()
      return tenth * 10
    },
  }
}
