/**
 * Objects of the store that no row knows: neither an asset, nor a rendition, nor an upload that goes on, nor a pending deletion. A row is
 * written before its bytes and stays until they are gone, and a key that lost its last row never gets one again. So an
 * object that is still there after the database said that it knows nothing of it is left over for good.
 */
import { sql } from 'kysely'
import type { Db } from '../engines/database/database.ts'
import { giveUpObjects } from '../purge/index.ts'
import type { DoctorContext } from './context.ts'

const batchSize = 500

/** Everything that can refer to an object. A table that comes to hold keys belongs here. */
const isUnknown = sql<boolean>`
  not exists (select from asset where asset.object_key = suspect.key)
  and not exists (select from rendition where rendition.object_key = suspect.key)
  and not exists (select from upload where upload.object_key = suspect.key and upload.state = 'uploading')
  and not exists (select from object_deletion where object_deletion.object_key = suspect.key)`

export async function countUnknownObjects(connection: Db): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from doctor_object as suspect where ${isUnknown}`.execute(connection)
  return rows[0]?.count ?? 0
}

/** `connection` sees the inventory. */
export async function findUnknownObjects(context: DoctorContext, connection: Db): Promise<void> {
  let last = ''
  for (;;) {
    context.signal.throwIfAborted()
    const { rows } = await sql<{ key: string }>`
      select key from doctor_object as suspect where key > ${last} and ${isUnknown}
      order by key limit ${batchSize}`.execute(connection)
    for (const { key } of rows) await examine(context, key)
    const end = rows.at(-1)
    if (end === undefined || rows.length < batchSize) return
    last = end.key
  }
}

async function examine(context: DoctorContext, key: string): Promise<void> {
  const info = await context.store.head(key)
  // Deleted since the list was made, or seen by the list while that happened.
  if (info === null) return
  if (context.repair) {
    await context.db
      .transaction()
      .execute((tx) =>
        giveUpObjects(context.jobs, tx, [{ object_key: key, grants_until: null, reason: 'doctor: unknown' }]),
      )
  }
  context.findings.add({
    kind: 'object-unknown',
    subject: key,
    detail: `${key}, ${info.size} bytes, last changed ${info.lastModified.toISOString()}`,
    repaired: context.repair,
  })
}
