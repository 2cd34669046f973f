/**
 * The syntax of object keys, checked by every store before a key becomes a path or a URL. A key that does not fit is a
 * defect of the caller (keys are random and carry nothing a user typed), so it throws a `TypeError` rather than an answer.
 */
import type { ObjectKey } from './object-store.ts'

const segments = /^[a-z0-9][a-z0-9._-]*(?:\/[a-z0-9][a-z0-9._-]*)*$/

/** Longest key, and longest segment: the limit of a file name on common file systems. */
const maxKeyLength = 512
const maxSegmentLength = 255

export function isObjectKey(text: string): text is ObjectKey {
  return (
    text.length <= maxKeyLength &&
    segments.test(text) &&
    (text.length <= maxSegmentLength || text.split('/').every((segment) => segment.length <= maxSegmentLength))
  )
}

export function assertObjectKey(key: ObjectKey): void {
  if (typeof key !== 'string' || !isObjectKey(key)) throw new TypeError(`${JSON.stringify(key)} is not an object key`)
}
