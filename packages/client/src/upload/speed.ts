/** Speed of an upload over the last seconds, so that it follows the network without jumping with every chunk. */

export interface SpeedMeter {
  /** `bytes` sent in all; going back (a part starts anew) is fine. */
  update(bytes: number): void
  /** Bytes a second. */
  readonly bytesPerSecond: number
}

const windowMs = 5000
const sampleEveryMs = 200

export function createSpeedMeter(now: () => number): SpeedMeter {
  const samples: { at: number; bytes: number }[] = []
  return {
    update(bytes) {
      const at = now()
      const last = samples.at(-1)
      if (last !== undefined && at - last.at < sampleEveryMs && samples.length > 1) last.bytes = bytes
      else samples.push({ at, bytes })
      while (samples.length > 2 && (samples[0]?.at ?? at) < at - windowMs) samples.shift()
    },
    get bytesPerSecond() {
      const first = samples[0]
      const last = samples.at(-1)
      if (first === undefined || last === undefined) return 0
      // Measured until now, so that a stalled upload is seen to slow down.
      const elapsed = now() - first.at
      return elapsed <= 0 ? 0 : Math.max(0, ((last.bytes - first.bytes) * 1000) / elapsed)
    },
  }
}
