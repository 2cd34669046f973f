/**
 * What an album shows: by keyset, in its order. Nothing of the trash and no video of a Live Photo is ever among it, for
 * which `album_asset.visible` vouches.
 */
import { sql } from 'kysely'
import type { AssetRow } from '../assets/index.ts'
import type { Db } from '../engines/database/database.ts'
import { invalidCursor, isId, isTime, parseCursor } from '../engines/database/keyset.ts'
import type { AlbumSort } from '../engines/database/schema.ts'
import { problems } from '../problem.ts'

/** An asset in an album; `added_by` is null for a guest. */
export type AlbumAssetRow = AssetRow & { added_by: string | null }

export interface AlbumPage {
  items: AlbumAssetRow[]
  nextCursor: string | null
}

/** How the orders are sorted; within equal values by the id of the asset, in the same direction. */
const orders = {
  newest: { column: 'captured_at', direction: 'desc' },
  oldest: { column: 'captured_at', direction: 'asc' },
  custom: { column: 'position', direction: 'asc' },
} as const satisfies Record<AlbumSort, unknown>

/** Throws `invalid-request` for a cursor that is none. */
export async function listAlbumAssets(
  db: Db,
  album: { id: string; sort: AlbumSort },
  page: { limit: number; cursor?: string | undefined },
): Promise<AlbumPage> {
  const after = page.cursor === undefined ? null : decodeCursor(page.cursor)
  // Somebody who reads on while the owner changes the order reads on in the order they began with.
  const sort = after?.sort ?? album.sort
  const { column, direction } = orders[sort]
  let query = visibleIn(db, album.id)
    .select('album_asset.position')
    .orderBy(`album_asset.${column}`, direction)
    .orderBy('album_asset.asset_id', direction)
    .limit(page.limit + 1)
  if (after !== null) {
    const [key, compared] = [sql.ref(`album_asset.${column}`), sql.raw(direction === 'desc' ? '<' : '>')]
    const value = column === 'position' ? sql`${after.value}::double precision` : sql`${after.value}::timestamptz`
    query = query.where(sql<boolean>`(${key}, album_asset.asset_id) ${compared} (${value}, ${after.id}::uuid)`)
  }
  const rows = await query.execute()
  const items = rows.slice(0, page.limit)
  const last = items.at(-1)
  return {
    items,
    nextCursor:
      rows.length > page.limit && last !== undefined
        ? encodeCursor(sort, column === 'position' ? last.position : last.captured_at.toISOString(), last.id)
        : null,
  }
}

/** Those of a known set that the album shows, in its order. */
export async function findAlbumAssets(
  db: Db,
  album: { id: string; sort: AlbumSort },
  ids: string[],
): Promise<AlbumAssetRow[]> {
  if (ids.length === 0) return []
  const { column, direction } = orders[album.sort]
  return visibleIn(db, album.id)
    .where(sql<boolean>`album_asset.asset_id = any(${ids}::uuid[])`)
    .orderBy(`album_asset.${column}`, direction)
    .orderBy('album_asset.asset_id', direction)
    .execute()
}

/** Throws `not-found` for what the album does not show. */
export async function getAlbumAsset(db: Db, albumId: string, assetId: string): Promise<AlbumAssetRow> {
  const row = await visibleIn(db, albumId).where('album_asset.asset_id', '=', assetId).executeTakeFirst()
  if (row === undefined) throw noSuchAlbumAsset()
  return row
}

export function noSuchAlbumAsset() {
  return problems.notFound('There is no such photo or video in this album.')
}

function visibleIn(db: Db, albumId: string) {
  return db
    .selectFrom('album_asset')
    .innerJoin('asset', 'asset.id', 'album_asset.asset_id')
    .selectAll('asset')
    .select('album_asset.added_by')
    .where('album_asset.album_id', '=', albumId)
    .where('album_asset.visible', '=', sql.lit(true))
}

function encodeCursor(sort: AlbumSort, value: number | string, id: string): string {
  return Buffer.from(JSON.stringify([sort, value, id])).toString('base64url')
}

function decodeCursor(cursor: string): { sort: AlbumSort; value: number | string; id: string } {
  const [sort, value, id] = parseCursor(cursor)
  if (sort === 'custom' && typeof value === 'number' && isId(id)) return { sort, value, id }
  if ((sort === 'newest' || sort === 'oldest') && isTime(value) && isId(id)) return { sort, value, id }
  throw invalidCursor()
}
