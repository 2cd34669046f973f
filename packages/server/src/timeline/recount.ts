/** Kept counts against what they count. One statement sees one moment, so what differs in it is wrong, whoever works meanwhile. */
import { sql } from 'kysely'
import type { Db } from '../engines/database/database.ts'

export interface WrongMonth {
  owner_id: string
  /** `2026-11`. */
  month: string
  /** What the timeline says, and what there is. */
  kept: number
  counted: number
}

const wrong = sql`
  select coalesce(kept.owner_id, counted.owner_id) as owner_id, coalesce(kept.month, counted.month) as month,
         coalesce(counted.images, 0) - coalesce(kept.images, 0) as images,
         coalesce(counted.videos, 0) - coalesce(kept.videos, 0) as videos,
         coalesce(counted.favorite_images, 0) - coalesce(kept.favorite_images, 0) as favorite_images,
         coalesce(counted.favorite_videos, 0) - coalesce(kept.favorite_videos, 0) as favorite_videos,
         coalesce(kept.images + kept.videos, 0)::integer as kept,
         coalesce(counted.images + counted.videos, 0)::integer as counted
  from (
    select owner_id, month, sum(images) as images, sum(videos) as videos,
           sum(favorite_images) as favorite_images, sum(favorite_videos) as favorite_videos
    from (
      select owner_id, month, images, videos, favorite_images, favorite_videos from timeline_month
      union all
      select owner_id, month, images, videos, favorite_images, favorite_videos from timeline_change
    ) as parts
    group by owner_id, month
  ) as kept
  full join (
    select owner_id, date_trunc('month', taken_at)::date as month,
           count(*) filter (where kind = 'image') as images,
           count(*) filter (where kind = 'video') as videos,
           count(*) filter (where kind = 'image' and favorite) as favorite_images,
           count(*) filter (where kind = 'video' and favorite) as favorite_videos
    from asset where trashed_at is null and purpose = 'library' and motion_of is null
    group by 1, 2
  ) as counted on counted.owner_id = kept.owner_id and counted.month = kept.month
  where (coalesce(kept.images, 0), coalesce(kept.videos, 0), coalesce(kept.favorite_images, 0), coalesce(kept.favorite_videos, 0))
     <> (coalesce(counted.images, 0), coalesce(counted.videos, 0), coalesce(counted.favorite_images, 0), coalesce(counted.favorite_videos, 0))`

export async function findWrongMonths(db: Db): Promise<WrongMonth[]> {
  const { rows } = await sql<WrongMonth>`
    select owner_id, to_char(month, 'YYYY-MM') as month, kept, counted from (${wrong}) as wrong
    order by owner_id, wrong.month`.execute(db)
  return rows
}

/** Adds what is missing as one more change, which is right whatever else changes meanwhile. Returns what was wrong. */
export async function recountMonths(db: Db): Promise<WrongMonth[]> {
  return db.transaction().execute(async (tx) => {
    // Two at once would each add the same.
    await sql`select pg_advisory_xact_lock(hashtext('timeline:recount'))`.execute(tx)
    const { rows } = await sql<WrongMonth>`
      with wrong as materialized (${wrong}),
      mended as (
        insert into timeline_change (owner_id, month, images, videos, favorite_images, favorite_videos)
        select owner_id, month, images, videos, favorite_images, favorite_videos from wrong
      )
      select owner_id, to_char(month, 'YYYY-MM') as month, kept, counted from wrong
      order by owner_id, wrong.month`.execute(tx)
    return rows
  })
}
