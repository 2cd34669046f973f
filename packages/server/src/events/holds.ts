/**
 * Events that wait because an older transaction still writes. Nothing tells when that one ends, so the accounts are looked
 * at again: soon while such transactions come and go, less and less often while one stays, and that is said in the log.
 */

export interface Holds {
  /** What the last look at an account saw, and the oldest transaction that wrote then. */
  note(accountId: string, isHeldBack: boolean, safe: bigint): void
  forget(accountId: string): void
  close(): void
}

export interface HoldDeps {
  wake(accountId: string): void
  log: { warn(fields: object, message: string): void }
}

/** Milliseconds until the next look. */
const firstDelay = 20
const longestDelay = 1_000
/** Milliseconds a transaction may hold events back before the log names it. */
const longHold = 10_000

export function createHolds({ wake, log }: HoldDeps): Holds {
  const held = new Map<string, { safe: bigint; delay: number; timer: NodeJS.Timeout }>()
  let oldest = { transaction: -1n, since: 0, isTold: false }

  function warnOf(safe: bigint): void {
    if (oldest.transaction !== safe) oldest = { transaction: safe, since: performance.now(), isTold: false }
    const milliseconds = performance.now() - oldest.since
    if (oldest.isTold || milliseconds < longHold) return
    oldest.isTold = true
    log.warn(
      { transaction: `${safe}`, seconds: Math.round(milliseconds / 1000) },
      'events wait for a transaction that is open for long; pg_stat_activity.backend_xid shows whose it is',
    )
  }

  function forget(accountId: string): void {
    clearTimeout(held.get(accountId)?.timer)
    held.delete(accountId)
  }

  return {
    note(accountId, isHeldBack, safe) {
      const known = held.get(accountId)
      forget(accountId)
      if (!isHeldBack) return
      const delay = known?.safe === safe ? Math.min(longestDelay, known.delay * 2) : firstDelay
      held.set(accountId, { safe, delay, timer: setTimeout(() => wake(accountId), delay) })
      warnOf(safe)
    },

    forget,

    close() {
      for (const accountId of [...held.keys()]) forget(accountId)
    },
  }
}
