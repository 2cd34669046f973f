/** Cursors of lists that are read by keyset, by a time and within it by id. Opaque to clients. */
import { problems } from '../../problem.ts'

export interface Keyset {
  /** RFC 3339. Such columns are only ever written from JavaScript dates, so that milliseconds name a row's place exactly. */
  at: string
  id: string
}

export function encodeCursor(at: Date | null, id: string): string {
  return Buffer.from(JSON.stringify([at?.toISOString(), id])).toString('base64url')
}

/** Throws `invalid-request`. */
export function decodeCursor(cursor: string): Keyset {
  const [at, id] = parseCursor(cursor)
  if (isTime(at) && isId(id)) return { at, id }
  throw invalidCursor()
}

/** What was written into a cursor; an empty list when it is none of this server's. */
export function parseCursor(cursor: string): unknown[] {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    return Array.isArray(parsed) ? parsed : []
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return []
  }
}

export function isTime(value: unknown): value is string {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value))
}

export function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value)
}

export function invalidCursor() {
  return problems.invalidRequest('The cursor is not one this server gave out.', {
    errors: [{ path: '/query/cursor', message: 'is not valid' }],
  })
}
