/** What a request for an object is answered, before a byte of it is read: RFC 9110 sections 13 (conditions) and 14 (ranges). */
import type { FastifyRequest } from 'fastify'
import { contentDisposition, safeDisposition } from '../delivery/index.ts'
import type { ByteRange, ObjectInfo } from '../engines/object-store/object-store.ts'
import { problems } from '../problem.ts'
import { parseRange } from './byte-ranges.ts'
import type { Permission } from './delivery-grant.ts'
import { evaluatePreconditions, rangeApplies } from './preconditions.ts'

export type Answer =
  | { kind: 'not-modified' }
  | { kind: 'whole' }
  | { kind: 'part'; range: ByteRange }
  | { kind: 'parts'; ranges: ByteRange[] }
  /** With `Content-Range` saying how long the object is. */
  | { kind: 'outside' }

/** Throws `precondition-failed`. */
export function chooseAnswer({ headers, method }: FastifyRequest, info: ObjectInfo): Answer {
  const verdict = evaluatePreconditions(headers, info)
  if (verdict === 'failed') throw problems.preconditionFailed('The file is not the one the request names.')
  if (verdict === 'not-modified') return { kind: 'not-modified' }
  // Ranges are defined for GET alone (RFC 9110 section 14.2).
  const isPartial = headers.range !== undefined && method === 'GET' && rangeApplies(headers, info)
  const ranges = isPartial ? parseRange(headers.range, info.size) : null
  if (ranges === null) return { kind: 'whole' }
  const [range] = ranges
  if (range === undefined) return { kind: 'outside' }
  return ranges.length === 1 ? { kind: 'part', range } : { kind: 'parts', ranges }
}

/** Only of what this edge sends itself: nginx says so of what it sends. */
export const acceptRanges = { 'accept-ranges': 'bytes' }

/** Seconds that caches keep what is public: a deleted file is out of them after that. */
const publicFor = 86_400

/** What the grant says of the bytes, whoever sends them. */
export function entityHeaders(grant: Permission) {
  return {
    'content-type': grant.type,
    'content-disposition': contentDisposition(safeDisposition(grant.type, grant.disposition), grant.filename),
  }
}

export function commonHeaders(info: ObjectInfo, { expires }: Permission, now: Date) {
  return {
    etag: info.etag,
    'last-modified': info.lastModified.toUTCString(),
    'cache-control': cacheControl(expires, now),
    'x-content-type-options': 'nosniff',
    'content-security-policy': 'sandbox',
  }
}

/** Nobody keeps what is signed for longer than the URL lives, and no shared cache keeps it at all. */
export function cacheControl(expires: number | null, now: Date): string {
  if (expires === null) return `public, max-age=${publicFor}, immutable`
  return `private, max-age=${Math.max(0, expires - Math.ceil(now.getTime() / 1000))}, immutable`
}
