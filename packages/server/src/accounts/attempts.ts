/** Failures leave no transaction to be recorded in, so they are recorded here, on their own. */
import type { Db } from '../engines/database/database.ts'
import { isDatabaseUnavailable } from '../engines/database/database.ts'
import { type Attempt, errorClass, type HistoryEvent, history, truncateAddress } from '../history/index.ts'
import { problems } from '../problem.ts'
import type { Limiter } from './limiter.ts'

/**
 * Runs `work` and records how it failed. `event` is read after the failure, so that `work` may fill in what it found
 * out. A database that is away cannot record that it is away; the request log tells of it.
 */
export async function recordFailure<T>(
  db: Db,
  attempt: Attempt,
  event: HistoryEvent,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isDatabaseUnavailable(error)) {
      await history.record(db, attempt, { ...event, errorClass: errorClass(error) })
    }
    throw error
  }
}

/**
 * Throws `too-many-requests` when the bucket is empty. Only the first refusal of a spell is recorded, or refusing would
 * cost the database as much as trying.
 */
export async function slowDown(
  db: Db,
  limiter: Limiter,
  key: string,
  attempt: Attempt,
  event: HistoryEvent,
): Promise<void> {
  const verdict = limiter.take(key)
  if (verdict.allowed) return
  const problem = problems.tooManyRequests(`Wait ${verdict.retryAfter} seconds and try again.`, {
    retryAfter: verdict.retryAfter,
  })
  if (verdict.isFirst) await history.record(db, attempt, { ...event, errorClass: problem.code })
  throw problem
}

/** The network an attempt is counted for: IPv4 /24, IPv6 /48. */
export function networkOf(attempt: Attempt): string {
  return truncateAddress(attempt.address) ?? 'unknown'
}
