/**
 * Waiting before trying again: exponential backoff with full jitter ("Exponential Backoff And Jitter", AWS Architecture
 * Blog, 2015), and never sooner than the server asked for with `Retry-After`.
 */
import { ApiProblem, isTransient } from '../problem.ts'

export interface RetryPolicy {
  /** Tries in all, the first included. */
  attempts: number
  /** Milliseconds that the wait after the first failure is at most. */
  baseMs: number
  /** Milliseconds that any wait is at most, unless the server asks for more. */
  capMs: number
}

export const defaultRetryPolicy: RetryPolicy = { attempts: 8, baseMs: 500, capMs: 30_000 }

/** A server that asks for more than this is not waited for any longer, milliseconds. */
const longestRetryAfterMs = 300_000

/** Milliseconds to wait after the failure number `failures` (from 1). */
export function backoffMs(failures: number, error: unknown, policy: RetryPolicy): number {
  const jittered = Math.random() * Math.min(policy.capMs, policy.baseMs * 2 ** (failures - 1))
  const asked = error instanceof ApiProblem ? (error.retryAfter ?? 0) * 1000 : 0
  // The jitter on top spreads the clients that were all told the same number of seconds.
  return asked > 0 ? Math.min(asked, longestRetryAfterMs) + jittered : jittered
}

/** Resolves after `ms` milliseconds; rejects with the signal's reason when aborted before. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const onAbort = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

/** Repeats a call that may be repeated while its errors are transient; throws the last one when all tries are used. */
export async function retrying<T>(
  operation: () => Promise<T>,
  { policy, signal }: { policy: RetryPolicy; signal: AbortSignal },
): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await operation()
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (!isTransient(error) || failures >= policy.attempts) throw error
      await pause(backoffMs(failures, error, policy), signal)
    }
  }
}
