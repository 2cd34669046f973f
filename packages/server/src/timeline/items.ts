/** The assets of a month, with what a page of thumbnails needs of each and no more, in one query. */
import { typeOfKey } from '@heliograph/signing'
import { sql } from 'kysely'
import { type Static, Type } from 'typebox'
import type { Deliverable, Delivery } from '../delivery/index.ts'
import type { Db } from '../engines/database/database.ts'
import type { AssetKind, AssetState } from '../engines/database/schema.ts'
import type { TimelineFilter } from './counts.ts'

export const TimelineItemSchema = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    takenAt: Type.String({
      description:
        'As a clock at that place showed it, without a zone: `2026-11-03T10:20:30.000`. Where the place is not known it is `capturedAt` in UTC',
    }),
    ratio: Type.Number({ description: 'Width divided by height; 1 while unknown' }),
    kind: Type.Union([Type.Literal('image'), Type.Literal('video')]),
    duration: Type.Union([Type.Number(), Type.Null()], { description: 'Seconds' }),
    favorite: Type.Boolean(),
    state: Type.Union([Type.Literal('processing'), Type.Literal('ready'), Type.Literal('failed')]),
    motion: Type.Boolean({ description: 'A Live Photo or motion photo: `urls.motion` of the asset plays' }),
    animated: Type.Boolean(),
    thumbhash: Type.Union([Type.String(), Type.Null()], { description: 'Base64' }),
    thumb: Type.Union([Type.String(), Type.Null()], { description: '320 px on the long side; null until it is made' }),
    small: Type.Union([Type.String(), Type.Null()], { description: '720 px, or the largest there is below' }),
  },
  { $id: 'TimelineItem' },
)

export type TimelineItem = Static<typeof TimelineItemSchema>

interface ItemRow {
  id: string
  taken_at: string
  width: number | null
  height: number | null
  kind: AssetKind
  duration: number | null
  favorite: boolean
  state: AssetState
  animated: boolean
  thumbhash: Uint8Array | null
  motion: boolean
  thumb_key: string | null
  thumb_type: string | null
  small_key: string | null
  small_type: string | null
}

export interface Place {
  /** Items before the first one. */
  offset: number
  limit: number
}

/** @param month `2026-11`. Newest first. */
export async function listItems(
  { db, delivery }: { db: Db; delivery: Pick<Delivery, 'urlOf' | 'urlsUnder'> },
  ownerId: string,
  month: string,
  filter: TimelineFilter,
  place: Place,
): Promise<TimelineItem[]> {
  const rows = await findItems(db, ownerId, month, filter, place)
  return Promise.all(rows.map((row) => present(delivery, row)))
}

/** Minutes that a clock may differ from UTC. */
const farthest = 1440
/** From this many items before the page on they are skipped in the index, before anything else of them is read. */
const far = 1_000

async function findItems(
  db: Db,
  ownerId: string,
  month: string,
  { kind, favorite }: TimelineFilter,
  { offset, limit }: Place,
): Promise<ItemRow[]> {
  const columns = sql`
    asset.id, taken_at, width, height, kind, duration, favorite, state, animated, thumbhash`
  const found = sql`
    from asset
    where owner_id = ${ownerId} and trashed_at is null and purpose = 'library' and motion_of is null
      and taken_at >= ${`${month}-01`}::timestamp and taken_at < ${`${month}-01`}::timestamp + interval '1 month'
      ${kind === undefined ? sql`` : sql`and kind = ${sql.lit(kind)}`}
      ${favorite === undefined ? sql`` : sql`and favorite = ${sql.lit(favorite)}`}
      ${favorite === true ? aroundMonth(month) : sql``}
    order by taken_at desc, id desc
    limit ${limit} offset ${offset}`
  const page =
    offset < far
      ? sql`select ${columns} ${found}`
      : sql`select ${columns} from (select id ${found}) as skipped join asset on asset.id = skipped.id`
  const { rows } = await sql<ItemRow>`
    select page.id, to_char(page.taken_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS') as taken_at,
           page.width, page.height, page.kind, page.duration, page.favorite, page.state, page.animated, page.thumbhash,
           made.thumb_key, made.thumb_type, made.small_key, made.small_type,
           coalesce(made.moves, false) or exists (select from asset as video where video.motion_of = page.id) as motion
    from (${page}) as page
    cross join lateral (
      select max(object_key) filter (where name = 'thumb') as thumb_key,
             max(content_type) filter (where name = 'thumb') as thumb_type,
             max(object_key) filter (where name = 'small') as small_key,
             max(content_type) filter (where name = 'small') as small_type,
             bool_or(name = 'motion') as moves
      from rendition where asset_id = page.id and name in ('thumb', 'small', 'motion')
    ) as made
    order by page.taken_at desc, page.id desc`.execute(db)
  return rows
}

/** Favourites are indexed by the instant, which is never farther from the clock than this. */
function aroundMonth(month: string) {
  const slack = sql`make_interval(mins => ${sql.lit(farthest)})`
  return sql`
        and captured_at >= (${`${month}-01`}::timestamp - ${slack}) at time zone 'UTC'
        and captured_at < (${`${month}-01`}::timestamp + interval '1 month' + ${slack}) at time zone 'UTC'`
}

async function present(delivery: Pick<Delivery, 'urlOf' | 'urlsUnder'>, row: ItemRow): Promise<TimelineItem> {
  const { thumb, small } = await urlsOf(delivery, row)
  return {
    id: row.id,
    takenAt: row.taken_at,
    ratio: row.width === null || row.height === null ? 1 : Math.round((row.width / row.height) * 10_000) / 10_000,
    kind: row.kind,
    duration: row.duration,
    favorite: row.favorite,
    state: row.state,
    motion: row.motion,
    animated: row.animated,
    thumbhash: row.thumbhash === null ? null : Buffer.from(row.thumbhash).toString('base64'),
    thumb,
    small: small ?? thumb,
  }
}

/** What was made together lies in one folder, which is signed once; a part that was made again later lies elsewhere. */
async function urlsOf(
  delivery: Pick<Delivery, 'urlOf' | 'urlsUnder'>,
  row: ItemRow,
): Promise<{ thumb: string | null; small: string | null }> {
  const thumb = fileOf(row.thumb_key, row.thumb_type)
  const small = fileOf(row.small_key, row.small_type)
  if (thumb !== null && small !== null) {
    const folder = folderOf(thumb)
    if (folder === folderOf(small) && [thumb, small].every(tellsItsType)) {
      const [thumbUrl = null, smallUrl = null] = await delivery.urlsUnder(folder, [thumb, small])
      return { thumb: thumbUrl, small: smallUrl }
    }
  }
  const [thumbUrl, smallUrl] = await Promise.all(
    [thumb, small].map((file) => (file === null ? null : delivery.urlOf(file))),
  )
  return { thumb: thumbUrl ?? null, small: smallUrl ?? null }
}

function fileOf(key: string | null, type: string | null): Deliverable | null {
  return key === null || type === null ? null : { object_key: key, content_type: type, filename: null }
}

function folderOf({ object_key: key }: Deliverable): string {
  return key.slice(0, key.lastIndexOf('/') + 1)
}

/** Under the signature of a folder the type follows from the extension alone. */
function tellsItsType({ object_key: key, content_type: type }: Deliverable): boolean {
  return typeOfKey(key) === type
}
