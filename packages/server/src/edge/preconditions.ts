/** Conditional requests of RFC 9110 section 13, for objects that never change: their entity tag is strong and final. */
import type { IncomingHttpHeaders } from 'node:http'
import type { ObjectInfo } from '../engines/object-store/object-store.ts'

export type Verdict = 'send' | 'not-modified' | 'failed'

/** In the order of section 13.2.2. */
export function evaluatePreconditions(headers: IncomingHttpHeaders, info: ObjectInfo): Verdict {
  const modified = toSeconds(info.lastModified)

  const unmodifiedSince = dateOf(headers['if-unmodified-since'])
  if (headers['if-match'] !== undefined) {
    if (!listHas(headers['if-match'], info.etag, 'strong')) return 'failed'
  } else if (unmodifiedSince !== null && modified > unmodifiedSince) return 'failed'

  const modifiedSince = dateOf(headers['if-modified-since'])
  if (headers['if-none-match'] !== undefined) {
    if (listHas(headers['if-none-match'], info.etag, 'weak')) return 'not-modified'
  } else if (modifiedSince !== null && modified <= modifiedSince) return 'not-modified'
  return 'send'
}

/** Whether a `Range` may be answered in part: `If-Range` is absent, or names exactly this representation. */
export function rangeApplies(headers: IncomingHttpHeaders, info: ObjectInfo): boolean {
  const header = headers['if-range']
  if (header === undefined) return true
  if (typeof header !== 'string') return false
  if (header.startsWith('"')) return header === info.etag
  // A date is a strong validator when it equals the object's; a weak tag (`W/"…"`) never is.
  return dateOf(header) === toSeconds(info.lastModified)
}

function listHas(header: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  if (header.trim() === '*') return true
  const tags = header.match(/(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g) ?? []
  return tags.some((tag) => (comparison === 'weak' ? tag.replace(/^W\//, '') : tag) === etag)
}

/** Headers carry whole seconds. */
function toSeconds(date: Date): number {
  return Math.floor(date.getTime() / 1000)
}

function dateOf(header: string | undefined): number | null {
  // Only the form that RFC 9110 lets anyone send: `Date.parse` would also read the year 2001 out of `x 1`.
  if (header === undefined || !/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(header))
    return null
  const milliseconds = Date.parse(header)
  return Number.isNaN(milliseconds) ? null : milliseconds / 1000
}
