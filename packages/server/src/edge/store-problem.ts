/** What the answers and failures of an object store mean to someone who puts or gets bytes. */
import { SignatureError } from '@heliograph/signing'
import { ObjectStoreError, type ObjectStoreErrorCode } from '../engines/object-store/object-store.ts'
import { type Problem, type ProblemOptions, problems } from '../problem.ts'

const meanings: Record<ObjectStoreErrorCode, (options: ProblemOptions) => Problem> = {
  exists: (options) => problems.alreadyStored('This file is already stored whole. Complete the upload.', options),
  'not-found': (options) => problems.notFound('The file is gone.', options),
  closed: (options) => problems.uploadClosed('The upload was completed or aborted.', options),
  'size-mismatch': (options) => problems.sizeMismatch('The body ended early or ran over its declared size.', options),
  'too-large': (options) => problems.fileTooLarge('The body is larger than this URL allows.', options),
  'invalid-range': (options) => problems.rangeNotSatisfiable('The file has no such bytes.', options),
  'invalid-part': (options) => problems.uploadIncomplete('A part is missing or is not as it was put.', options),
  'checksum-mismatch': (options) =>
    problems.checksumMismatch('The bytes were damaged on the way. Send them again.', options),
  full: (options) => problems.storageFull('The disk or the bucket of this server is full.', options),
  unavailable: (options) =>
    problems.unavailable('The object store does not answer. Try again.', { ...options, retryAfter: 5 }),
}

/** Errors of stores and of signatures as problems; anything else is returned as it is. */
export function toProblem(error: unknown): unknown {
  if (error instanceof ObjectStoreError) return meanings[error.code]({ cause: error })
  if (!(error instanceof SignatureError)) return error
  return error.reason === 'expired'
    ? problems.linkExpired('The URL was valid and its time is over. Ask for a new one.')
    : problems.invalidSignature('The URL is not one that this server signed.')
}
