/** Reading the library: lists by keyset, newest capture first. */
import { sql } from 'kysely'
import type { Db } from '../engines/database/database.ts'
import { decodeCursor, encodeCursor } from '../engines/database/keyset.ts'
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
  /** Those that are in this album. */
  albumId?: string | undefined
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
  // As literals: for a parameter the partial indexes of favourites and videos would not be considered.
  if (filter.kind !== undefined) query = query.where('kind', '=', sql.lit(filter.kind))
  if (filter.from !== undefined) query = query.where('captured_at', '>=', filter.from)
  if (filter.to !== undefined) query = query.where('captured_at', '<', filter.to)
  if (filter.favorite !== undefined) query = query.where('favorite', '=', sql.lit(filter.favorite))
  if (filter.albumId !== undefined) {
    query = query.where(
      sql<boolean>`exists (select from album_asset where album_id = ${filter.albumId}::uuid and asset_id = asset.id)`,
    )
  }
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
