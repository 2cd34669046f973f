/** Rows of a library as processing leaves them, without files: the timeline looks at nothing else. */
import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { v7 as uuidv7 } from 'uuid'
import type { Db } from '../../engines/database/database.ts'
import type { AssetKind, Purpose } from '../../engines/database/schema.ts'

export interface Sample {
  capturedAt: string
  /** Minutes. */
  offset?: number | null
  kind?: AssetKind
  favorite?: boolean
  purpose?: Purpose
}

/** Bytes of each, which no quota counts. */
export const size = 1_000

/** Returns their ids, in order. */
export async function addAssets(db: Db, ownerId: string, samples: Sample[]): Promise<string[]> {
  const rows = samples.map((sample) => ({ id: uuidv7(), ...sample }))
  await db
    .insertInto('asset')
    .values(
      rows.map(({ id, capturedAt, offset, kind, favorite, purpose }) => ({
        id,
        owner_id: ownerId,
        upload_id: uuidv7(),
        kind: kind ?? 'image',
        state: 'ready',
        purpose: purpose ?? 'library',
        object_key: `originals/${randomBytes(16).toString('hex')}`,
        filename: 'IMG_0001.JPG',
        content_type: 'image/jpeg',
        size,
        width: 4_032,
        height: 3_024,
        captured_at: capturedAt,
        captured_offset: offset ?? null,
        favorite: favorite ?? false,
        recipe: 1_000,
        version: 2,
      })),
    )
    .execute()
  return rows.map(({ id }) => id)
}

/** @param folder of its own when absent. Names are those of the recipe, such as `thumb`. */
export async function addRendition(
  db: Db,
  assetId: string,
  name: string,
  folder = `renditions/${randomBytes(16).toString('hex')}`,
): Promise<string> {
  const key = `${folder}/${name}.00000000.webp`
  await db
    .insertInto('rendition')
    .values({ asset_id: assetId, name, object_key: key, content_type: 'image/webp', size: 100, recipe: 1_000 })
    .execute()
  return key
}

/** What the timeline should say of each month, counted anew. */
export async function countMonths(db: Db, ownerId: string, where = sql<boolean>`true`) {
  const { rows } = await sql<{ month: string; count: number }>`
    select to_char(taken_at, 'YYYY-MM') as month, count(*)::integer as count from asset
    where owner_id = ${ownerId} and trashed_at is null and purpose = 'library' and motion_of is null and ${where}
    group by 1 order by 1 desc`.execute(db)
  return rows
}
