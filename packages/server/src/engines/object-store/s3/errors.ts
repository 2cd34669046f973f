/** What S3's answers and the network's failures mean to a caller of an object store. */
import { S3ServiceException } from '@aws-sdk/client-s3'
import { ObjectStoreError, type ObjectStoreErrorCode } from '../object-store.ts'

/** By name, from S3's list of error responses; what is not here goes by its HTTP status. */
const codesByName: Record<string, ObjectStoreErrorCode> = {
  PreconditionFailed: 'exists',
  ConditionalRequestConflict: 'exists',
  NoSuchKey: 'not-found',
  NotFound: 'not-found',
  NoSuchUpload: 'closed',
  EntityTooSmall: 'invalid-part',
  InvalidPart: 'invalid-part',
  InvalidPartOrder: 'invalid-part',
  BadDigest: 'checksum-mismatch',
  XAmzContentChecksumMismatch: 'checksum-mismatch',
  QuotaExceeded: 'full',
  EntityTooLarge: 'too-large',
  InvalidRange: 'invalid-range',
  // 404 too, but the whole store is missing: a person has to look, and uploads should be tried again afterwards.
  NoSuchBucket: 'unavailable',
}

const codesByStatus: Record<number, ObjectStoreErrorCode> = {
  404: 'not-found',
  412: 'exists',
  416: 'invalid-range',
  507: 'full',
}

/**
 * Every refusal that is no answer (overload, wrong credentials, 5xx) and every failure of the network is `unavailable`.
 * An error that has to do with neither is a defect and passes unchanged.
 */
export function toStoreError(error: unknown): unknown {
  if (error instanceof ObjectStoreError || !(error instanceof Error)) return error
  if (error instanceof S3ServiceException) {
    const status = error.$metadata.httpStatusCode ?? 0
    const code = codesByName[error.name] ?? codesByStatus[status] ?? 'unavailable'
    return new ObjectStoreError(code, `The object store answers ${status} ${error.name}`, error)
  }
  if (isNetworkError(error)) return new ObjectStoreError('unavailable', 'The object store cannot be reached', error)
  return error
}

function isNetworkError(error: Error): boolean {
  // `$response`, put there by the SDK, is an answer that is no XML: a proxy in between, or half an answer.
  return error.name === 'TimeoutError' || error.name === 'AbortError' || 'code' in error || '$response' in error
}

/** Runs `work` and throws its S3 and network errors as `ObjectStoreError`. */
export async function storing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw toStoreError(error)
  }
}

export function isStoreError(error: unknown, ...codes: ObjectStoreErrorCode[]): error is ObjectStoreError {
  return error instanceof ObjectStoreError && codes.includes(error.code)
}
