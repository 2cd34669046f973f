/** Optimistic concurrency: what a change of an account may start from. */
import { problems } from '../problem.ts'

/** The row version named by `If-Match`; null for any. */
export type ExpectedVersion = number | null

/** Throws `precondition-failed` (412) for another version. The row must be locked. */
export function requireVersion(expected: ExpectedVersion, version: number): void {
  if (expected !== null && expected !== version) {
    throw problems.preconditionFailed('The account was changed after you read it. Read it again.')
  }
}
