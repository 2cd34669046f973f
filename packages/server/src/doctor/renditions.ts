/**
 * Renditions whose bytes are missing from the store. Nothing is lost by that: they are made again from the original. As
 * with assets, the row is looked at again after the store, since a row goes before its bytes.
 */
import { sql } from 'kysely'
import type { Db } from '../engines/database/database.ts'
import { enqueueRebuild, requestShareable } from '../renditions/index.ts'
import type { DoctorContext } from './context.ts'

interface Suspect {
  asset_id: string
  name: string
  object_key: string
  size: number
  filename: string
  handle: string
}

const batchSize = 500
const atOnce = 4

export async function countRenditions(connection: Db): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) as count from rendition`.execute(connection)
  return rows[0]?.count ?? 0
}

/** `connection` sees the inventory. */
export async function compareRenditions(context: DoctorContext, connection: Db): Promise<void> {
  let last = ''
  for (;;) {
    const { rows } = await sql<Suspect>`
      select rendition.asset_id, rendition.name, rendition.object_key, rendition.size, asset.filename, account.handle
      from rendition
      left join doctor_object as object on object.key = rendition.object_key
      join asset on asset.id = rendition.asset_id
      join account on account.id = asset.owner_id
      where (object.key is null or object.size <> rendition.size) and rendition.object_key > ${last}
      order by rendition.object_key limit ${batchSize}`.execute(connection)
    for (let start = 0; start < rows.length; start += atOnce) {
      context.signal.throwIfAborted()
      await Promise.all(rows.slice(start, start + atOnce).map((suspect) => examine(context, suspect)))
    }
    const end = rows.at(-1)
    if (end === undefined || rows.length < batchSize) return
    last = end.object_key
  }
}

async function examine(context: DoctorContext, suspect: Suspect): Promise<void> {
  const info = await context.store.head(suspect.object_key)
  if (info?.size === suspect.size) return
  const current = await context.db
    .selectFrom('rendition')
    .select('asset_id')
    .where('object_key', '=', suspect.object_key)
    .executeTakeFirst()
  if (current === undefined) return
  if (context.repair) {
    if (suspect.name === 'shareable') await requestShareable(context.jobs, context.db, [suspect.asset_id])
    else await enqueueRebuild(context.jobs, context.db, [suspect.asset_id])
  }
  const { name, filename, handle, asset_id, object_key } = suspect
  context.findings.add({
    kind: 'rendition-missing',
    subject: asset_id,
    detail: `${name} of "${filename}" of ${handle} (asset ${asset_id}): its object ${object_key} ${
      info === null ? 'is gone' : `has ${info.size} bytes instead of ${suspect.size}`
    }`,
    repaired: context.repair,
  })
}
