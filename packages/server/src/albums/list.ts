/** The albums somebody belongs to. */
import { sql } from 'kysely'
import type { Db } from '../engines/database/database.ts'
import { decodeCursor, encodeCursor } from '../engines/database/keyset.ts'
import type { AlbumRole, AlbumRow, OpenAlbum } from './album.ts'

/** Last changed first. `assetId`: only those that show this asset. */
export async function listAlbums(
  db: Db,
  accountId: string,
  page: { limit: number; cursor: string | undefined; assetId: string | undefined },
): Promise<{ items: OpenAlbum[]; nextCursor: string | null }> {
  const after = page.cursor === undefined ? null : decodeCursor(page.cursor)
  const { rows } = await sql<AlbumRow & { role: AlbumRole }>`
    select album.*, mine.role from (
      select id, 'owner' as role from album where owner_id = ${accountId}::uuid
      union all
      select album_id, role from album_member where account_id = ${accountId}::uuid
    ) as mine join album using (id)
    where true
    ${after === null ? sql`` : sql`and (album.updated_at, album.id) < (${after.at}::timestamptz, ${after.id}::uuid)`}
    ${
      page.assetId === undefined
        ? sql``
        : sql`and exists (
            select from album_asset where album_id = album.id and asset_id = ${page.assetId}::uuid and visible
          )`
    }
    order by album.updated_at desc, album.id desc
    limit ${page.limit + 1}`.execute(db)
  const items = rows.slice(0, page.limit).map(({ role, ...row }) => ({ row, role }))
  const last = items.at(-1)
  return {
    items,
    nextCursor: rows.length > page.limit && last !== undefined ? encodeCursor(last.row.updated_at, last.row.id) : null,
  }
}
