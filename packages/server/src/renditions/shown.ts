/** The renditions of a page of assets, in one query. */
import { sql } from 'kysely'
import type { Db } from '../engines/database/database.ts'

export interface ShownRendition {
  /** As in the table; `motion` is also the video of a Live Photo. */
  name: string
  object_key: string
  content_type: string
  /** The file as it came, in want of a rendition: for its owner alone. */
  untouched: boolean
}

/** By asset. What is for others alone (`shareable`, `public`) is left out. */
export async function findShown(db: Db, assetIds: string[]): Promise<Map<string, ShownRendition[]>> {
  const shown = new Map<string, ShownRendition[]>()
  if (assetIds.length === 0) return shown
  const { rows } = await sql<ShownRendition & { asset_id: string }>`
    select asset_id, name, object_key, content_type, false as untouched from rendition
    where asset_id = any(${assetIds}::uuid[]) and name not in ('shareable', 'public')
    union all
    select video.motion_of, 'motion', coalesce(playable.object_key, video.object_key),
           coalesce(playable.content_type, video.content_type), playable.object_key is null
    from asset as video left join lateral (
      select object_key, content_type from rendition
      where asset_id = video.id and (name = 'video' or name like 'hls-%')
      -- One variant of a stream is a file that plays by itself too.
      order by name = 'video' desc, name = 'hls-720' desc limit 1
    ) as playable on true
    where video.motion_of = any(${assetIds}::uuid[])`.execute(db)
  for (const { asset_id, ...rendition } of rows) {
    const all = shown.get(asset_id)
    if (all === undefined) shown.set(asset_id, [rendition])
    else all.push(rendition)
  }
  return shown
}
