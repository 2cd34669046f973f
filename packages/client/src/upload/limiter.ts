/**
 * How many parts are put at once, over all files: additive increase while more of them bring more bytes a second,
 * multiplicative decrease when a server is overloaded or the network stalls (AIMD, as TCP does it: Chiu and Jain, 1989).
 * Waiting is first come, first served, so that files take turns.
 */

export interface Permit {
  /** Gives the place back. `bytes` is what was put; 0 for a failure that says nothing about capacity. */
  release(bytes: number): void
  /** Gives the place back after a 503, a timeout or a stall. */
  overloaded(): void
}

export interface AdaptiveLimiter {
  /** Rejects with the signal's reason when aborted while waiting. */
  acquire(signal: AbortSignal): Promise<Permit>
  readonly limit: number
  readonly active: number
}

export interface LimiterOptions {
  initial: number
  max: number
  /** Milliseconds. */
  now: () => number
}

/** A rate must grow by this much for one more part at once to be worth it. */
const worthwhileGrowth = 1.05
/** Windows without growth after which one more is tried anyway: networks change. */
const windowsUntilProbe = 4
/** What fails together within this time is one overload, milliseconds. */
const overloadCooldownMs = 1000
const shortestWindowMs = 200

export function createAdaptiveLimiter({ initial, max, now }: LimiterOptions): AdaptiveLimiter {
  let limit = Math.min(initial, max)
  let active = 0
  const waiting: (() => void)[] = []

  let window = { start: now(), bytes: 0, finished: 0, saturated: false }
  let bestRate = 0
  let windowsHeld = 0
  let lastOverload = Number.NEGATIVE_INFINITY

  function startWindow(): void {
    window = { start: now(), bytes: 0, finished: 0, saturated: false }
  }

  function wake(): void {
    while (active < limit) {
      const next = waiting.shift()
      if (next === undefined) return
      active++
      next()
    }
  }

  function judgeWindow(): void {
    const elapsed = now() - window.start
    if (window.finished < limit || elapsed < shortestWindowMs) return
    const rate = window.bytes / elapsed
    if (window.saturated && limit < max) {
      if (rate >= bestRate * worthwhileGrowth || ++windowsHeld >= windowsUntilProbe) {
        bestRate = rate
        windowsHeld = 0
        limit++
      }
    }
    startWindow()
  }

  function permit(): Permit {
    let held = true
    const giveBack = (account: () => void) => {
      if (!held) return
      held = false
      active--
      account()
      wake()
    }
    return {
      release: (bytes) =>
        giveBack(() => {
          window.bytes += bytes
          window.finished++
          // Without anyone waiting the rate says how much there was to do, not how much is possible.
          if (waiting.length > 0) window.saturated = true
          judgeWindow()
        }),
      overloaded: () =>
        giveBack(() => {
          if (now() - lastOverload < overloadCooldownMs) return
          lastOverload = now()
          limit = Math.max(1, Math.floor(limit / 2))
          bestRate = 0
          windowsHeld = 0
          startWindow()
        }),
    }
  }

  return {
    acquire: (signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason)
        const enter = () => {
          signal.removeEventListener('abort', leave)
          resolve(permit())
        }
        const leave = () => {
          const index = waiting.indexOf(enter)
          if (index >= 0) waiting.splice(index, 1)
          reject(signal.reason)
        }
        signal.addEventListener('abort', leave, { once: true })
        waiting.push(enter)
        wake()
      }),
    get limit() {
      return limit
    },
    get active() {
      return active
    },
  }
}
