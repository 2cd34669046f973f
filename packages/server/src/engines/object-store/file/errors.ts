/** What the file system's errors mean to a caller of an object store. */
import { ObjectStoreError } from '../object-store.ts'

/** True for an error of the file system with one of these codes, for example `ENOENT`. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)
}

/** There is no such file, or what should be a folder on its way is an object. */
export const isMissing = (error: unknown): boolean => hasCode(error, 'ENOENT', 'ENOTDIR')

/**
 * `ENOSPC` and `EDQUOT` → `full`, `EEXIST` → `exists`, any other error of a system call (`EIO`, `EMFILE`, `EROFS`, …) →
 * `unavailable`. Anything else is a defect and passes unchanged.
 */
export function toStoreError(error: unknown): unknown {
  if (error instanceof ObjectStoreError) return error
  if (!(error instanceof Error) || !('syscall' in error)) return error
  if (hasCode(error, 'ENOSPC', 'EDQUOT')) return new ObjectStoreError('full', 'The disk is full', error)
  if (hasCode(error, 'EEXIST', 'ENOTDIR')) return new ObjectStoreError('exists', 'The key is taken', error)
  return new ObjectStoreError('unavailable', `The disk answers ${'code' in error ? error.code : error.message}`, error)
}

/** Runs `work` and throws its file system errors as `ObjectStoreError`. */
export async function storing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw toStoreError(error)
  }
}
