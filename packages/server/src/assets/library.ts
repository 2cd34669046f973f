/** Reading the library: lists by keyset, newest capture first, and the months of the timeline. */
import { sql } from 'kysely'
import type { Db } from '../engines/database/database.ts'
import type { AssetKind } from '../engines/database/schema.ts'
import { problems } from '../problem.ts'
import type { AssetRow } from './asset.ts'

export interface LibraryFilter {
  kind?: AssetKind | undefined
  /** Captured at or after. */
  from?: Date | undefined
  /** Captured before. */
  to?: Date | undefined
  favorite?: boolean | undefined
  trashed: boolean
}

export interface Page<T> {
  items: T[]
  nextCursor: string | null
}

export async function listAssets(
  db: Db,
  ownerId: string,
  filter: LibraryFilter,
  page: { limit: number; cursor: string | undefined },
): Promise<Page<AssetRow>> {
  // The trash is read by what went in last; the index for each order exists.
  const order = filter.trashed ? 'trashed_at' : 'captured_at'
  let query = db
    .selectFrom('asset')
    .selectAll()
    .where('owner_id', '=', ownerId)
    .where('purpose', '=', 'library')
    // The video of a Live Photo is shown with its photo.
    .where('motion_of', 'is', null)
    .where('trashed_at', filter.trashed ? 'is not' : 'is', null)
    .orderBy(order, 'desc')
    .orderBy('id', 'desc')
    .limit(page.limit + 1)
  if (filter.kind !== undefined) query = query.where('kind', '=', filter.kind)
  if (filter.from !== undefined) query = query.where('captured_at', '>=', filter.from)
  if (filter.to !== undefined) query = query.where('captured_at', '<', filter.to)
  if (filter.favorite !== undefined) query = query.where('favorite', '=', filter.favorite)
  if (page.cursor !== undefined) {
    const { at, id } = decodeCursor(page.cursor)
    query = query.where(sql<boolean>`(${sql.ref(order)}, id) < (${at}::timestamptz, ${id}::uuid)`)
  }
  const rows = await query.execute()
  const items = rows.slice(0, page.limit)
  const last = items.at(-1)
  return {
    items,
    nextCursor: rows.length > page.limit && last !== undefined ? encodeCursor(last[order], last.id) : null,
  }
}

/** The assets of a known set that are the owner's, in no order; what is not theirs is left out. */
export async function findAssets(db: Db, ownerId: string, ids: string[]): Promise<AssetRow[]> {
  if (ids.length === 0) return []
  return db
    .selectFrom('asset')
    .selectAll()
    .where('owner_id', '=', ownerId)
    .where(sql<boolean>`id = any(${ids}::uuid[])`)
    .execute()
}

/** Throws `not-found` for what is missing or someone else's. */
export async function getAsset(db: Db, ownerId: string, id: string): Promise<AssetRow> {
  const row = await db
    .selectFrom('asset')
    .selectAll()
    .where('id', '=', id)
    .where('owner_id', '=', ownerId)
    .executeTakeFirst()
  if (row === undefined) throw noSuchAsset()
  return row
}

export function noSuchAsset() {
  return problems.notFound('There is no such photo or video in your library.')
}

export interface TimelineMonth {
  /** `2026-11`, UTC. */
  month: string
  count: number
}

export async function listMonths(db: Db, ownerId: string): Promise<TimelineMonth[]> {
  const { rows } = await sql<TimelineMonth>`
    select to_char(date_trunc('month', captured_at at time zone 'UTC'), 'YYYY-MM') as month, count(*)::int as count
    from asset
    where owner_id = ${ownerId} and trashed_at is null and purpose = 'library' and motion_of is null
    group by 1
    order by 1 desc`.execute(db)
  return rows
}

// Both columns are only ever written from JavaScript dates, so that milliseconds name a row's place exactly.
function encodeCursor(at: Date | null, id: string): string {
  return Buffer.from(JSON.stringify([at?.toISOString(), id])).toString('base64url')
}

function decodeCursor(cursor: string): { at: string; id: string } {
  try {
    const [at, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[]
    if (
      typeof at === 'string' &&
      !Number.isNaN(Date.parse(at)) &&
      typeof id === 'string' &&
      /^[0-9a-f-]{36}$/.test(id)
    ) {
      return { at, id }
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw problems.invalidRequest('The cursor is not one this server gave out.', {
    errors: [{ path: '/query/cursor', message: 'is not valid' }],
  })
}
