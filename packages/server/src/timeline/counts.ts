/**
 * How many there are of each month. The counts are kept by triggers of `asset`: each change leaves a row in
 * `timeline_change`, which the job `timeline:fold` adds to `timeline_month`. What is true is the sum of both, in one
 * statement; what it sums to does not change when rows are folded, so that readers, writers and the job wait for nobody.
 */
import { sql } from 'kysely'
import type { Db } from '../engines/database/database.ts'
import type { AssetKind } from '../engines/database/schema.ts'

export interface TimelineFilter {
  kind?: AssetKind | undefined
  favorite?: boolean | undefined
}

export interface TimelineMonth {
  /** `2026-11`. */
  month: string
  count: number
}

interface Counts {
  month: string
  images: number
  videos: number
  favorite_images: number
  favorite_videos: number
}

/** Newest first; months of which the filter leaves nothing are left out. */
export async function listMonths(db: Db, ownerId: string, filter: TimelineFilter): Promise<TimelineMonth[]> {
  const { rows } = await sql<Counts>`
    select to_char(month, 'YYYY-MM') as month, sum(images)::integer as images, sum(videos)::integer as videos,
           sum(favorite_images)::integer as favorite_images, sum(favorite_videos)::integer as favorite_videos
    from (
      select month, images, videos, favorite_images, favorite_videos from timeline_month where owner_id = ${ownerId}
      union all
      select month, images, videos, favorite_images, favorite_videos from timeline_change where owner_id = ${ownerId}
    ) as parts
    group by parts.month
    order by parts.month desc`.execute(db)
  return rows.map((row) => ({ month: row.month, count: countOf(row, filter) })).filter(({ count }) => count > 0)
}

function countOf(counts: Counts, { kind, favorite }: TimelineFilter): number {
  const images = choose(counts.images, counts.favorite_images, favorite)
  const videos = choose(counts.videos, counts.favorite_videos, favorite)
  return (kind === 'video' ? 0 : images) + (kind === 'image' ? 0 : videos)
}

function choose(all: number, favorites: number, favorite: boolean | undefined): number {
  if (favorite === undefined) return all
  return favorite ? favorites : all - favorites
}

/** A month of an owner, or with `month` null all of them. */
export interface Span {
  ownerId: string
  month: string | null
}

/**
 * For each span how often it has changed. Changes only add up, and whatever is visible later was visible before or is new,
 * so two equal numbers are two looks at the same. (The largest number of a sequence would not do: a transaction that took
 * a smaller one may commit after it was seen.)
 */
export async function readRevisions(db: Db, spans: Span[]): Promise<string[]> {
  const { rows } = await sql<{ revision: string }>`
    select (
      (select coalesce(sum(changes), 0) from timeline_month
       where owner_id = span.owner_id and month between span.first and span.last)
      + (select coalesce(sum(changes), 0) from timeline_change
         where owner_id = span.owner_id and month between span.first and span.last)
    )::text as revision
    from unnest(
      ${spans.map(({ ownerId }) => ownerId)}::uuid[],
      ${spans.map(({ month }) => (month === null ? '-infinity' : `${month}-01`))}::date[],
      ${spans.map(({ month }) => (month === null ? 'infinity' : `${month}-01`))}::date[]
    ) with ordinality as span (owner_id, first, last, place)
    order by place`.execute(db)
  return rows.map(({ revision }) => revision)
}
