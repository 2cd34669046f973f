/**
 * What an album is in short: how much it shows, from when to when, and under which cover. For a page of albums in two
 * queries, of which the first reads nothing but an index.
 */
import { sql } from 'kysely'
import type { Deliverable } from '../delivery/index.ts'
import type { Db } from '../engines/database/database.ts'

export interface AlbumFacts {
  assetCount: number
  capturedFrom: Date | null
  capturedTo: Date | null
  cover: {
    /** The chosen one while the album shows it, else the first it shows. */
    assetId: string
    thumbhash: Uint8Array | null
    /** A small rendition; null while there is none. */
    file: Deliverable | null
  } | null
}

/** By album; of one that is gone there is none. */
export async function findAlbumFacts(db: Db, albumIds: string[]): Promise<Map<string, AlbumFacts>> {
  if (albumIds.length === 0) return new Map()
  const { rows } = await sql<{
    id: string
    count: number
    first: Date | null
    last: Date | null
    cover: string | null
  }>`
    select album.id, content.count, content.first, content.last, coalesce(
      (select asset_id from album_asset where album_id = album.id and asset_id = album.cover_asset_id and visible),
      case album.sort
        when 'newest' then (select asset_id from album_asset where album_id = album.id and visible
                            order by captured_at desc, asset_id desc limit 1)
        when 'oldest' then (select asset_id from album_asset where album_id = album.id and visible
                            order by captured_at, asset_id limit 1)
        else (select asset_id from album_asset where album_id = album.id and visible
              order by position, asset_id limit 1)
      end
    ) as cover
    from album cross join lateral (
      select count(*)::int as count, min(captured_at) as first, max(captured_at) as last
      from album_asset where album_id = album.id and visible
    ) as content
    where album.id = any(${albumIds}::uuid[])`.execute(db)
  const covers = await findCovers(
    db,
    rows.flatMap(({ cover }) => cover ?? []),
  )
  return new Map(
    rows.map(({ id, count, first, last, cover }) => [
      id,
      {
        assetCount: count,
        capturedFrom: first,
        capturedTo: last,
        cover: cover === null ? null : { assetId: cover, ...(covers.get(cover) ?? { thumbhash: null, file: null }) },
      },
    ]),
  )
}

type Cover = Pick<NonNullable<AlbumFacts['cover']>, 'thumbhash' | 'file'>

async function findCovers(db: Db, assetIds: string[]): Promise<Map<string, Cover>> {
  if (assetIds.length === 0) return new Map()
  const { rows } = await sql<{
    id: string
    thumbhash: Uint8Array | null
    object_key: string | null
    content_type: string | null
  }>`
    select asset.id, asset.thumbhash, picture.object_key, picture.content_type
    from asset left join lateral (
      select object_key, content_type from rendition
      where asset_id = asset.id and name in ('small', 'thumb') order by name limit 1
    ) as picture on true
    where asset.id = any(${assetIds}::uuid[])`.execute(db)
  return new Map(
    rows.map(({ id, thumbhash, object_key, content_type }) => {
      const file = object_key === null || content_type === null ? null : { object_key, content_type, filename: null }
      return [id, { thumbhash, file }]
    }),
  )
}

/** By album: how many members it has, and whether anybody gets in by a link. */
export async function countPeople(
  db: Db,
  albumIds: string[],
  at: Date,
): Promise<Map<string, { members: number; hasLinks: boolean }>> {
  if (albumIds.length === 0) return new Map()
  const { rows } = await sql<{ id: string; members: number; has_links: boolean }>`
    select album.id,
      (select count(*)::int from album_member where album_id = album.id) as members,
      exists (
        select from album_link where album_id = album.id and (expires_at is null or expires_at > ${at}::timestamptz)
      ) as has_links
    from album where album.id = any(${albumIds}::uuid[])`.execute(db)
  return new Map(rows.map(({ id, members, has_links: hasLinks }) => [id, { members, hasLinks }]))
}
