/**
 * Assets whose bytes the store lost or altered: marked as failed, never deleted, since the row tells what was lost. They
 * come back when their bytes do: put back into the store by a person, or uploaded again (`uploads/complete.ts`).
 */
import { sql } from 'kysely'
import type { Db } from '../engines/database/database.ts'
import type { Jobs } from '../engines/jobs/jobs.ts'
import { history, jobAttempt } from '../history/index.ts'
import type { AssetRow } from './asset.ts'

export type AssetLoss = 'original-missing' | 'original-damaged'

type Lost = Pick<AssetRow, 'id' | 'owner_id' | 'object_key' | 'size' | 'content_type'>

/** The predicate of such assets, for queries. */
export const isLost = sql<boolean>`(asset.state = 'failed' and asset.failure in ('original-missing', 'original-damaged'))`

export function isLostAsset(asset: Pick<AssetRow, 'failure'>): boolean {
  return asset.failure === 'original-missing' || asset.failure === 'original-damaged'
}

/** Returns false, and does nothing, when the asset is gone, marked already, or has other bytes by now. */
export async function markLost(db: Db, asset: Lost, loss: AssetLoss, attempt = 1): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    const { numUpdatedRows } = await tx
      .updateTable('asset')
      .set((eb) => ({ state: 'failed', failure: loss, version: eb('version', '+', 1) }))
      .where('id', '=', asset.id)
      .where('object_key', '=', asset.object_key)
      .where((eb) => eb.not(isLost))
      .executeTakeFirst()
    if (numUpdatedRows === 0n) return false
    await history.record(tx, jobAttempt(asset.owner_id, attempt), {
      action: 'asset.process',
      objectType: 'asset',
      objectId: asset.id,
      size: asset.size,
      contentType: asset.content_type,
      errorClass: loss,
    })
    return true
  })
}

/** To be called when the bytes were read and are right: the asset is processed anew. Returns false when it is not lost. */
export async function markRecovered(
  { db, jobs }: { db: Db; jobs: Jobs },
  asset: Pick<AssetRow, 'id' | 'object_key'>,
): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    const { numUpdatedRows } = await tx
      .updateTable('asset')
      .set((eb) => ({ state: 'processing', failure: null, version: eb('version', '+', 1) }))
      .where('id', '=', asset.id)
      .where('object_key', '=', asset.object_key)
      .where(isLost)
      .executeTakeFirst()
    if (numUpdatedRows === 0n) return false
    await jobs.enqueue(tx, 'asset:process', { assetId: asset.id })
    return true
  })
}
