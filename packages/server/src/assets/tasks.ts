/** Jobs of assets: `asset:process` after an upload, `asset:purge` when the time in the trash is over. */
import { type Db, violates } from '../engines/database/database.ts'
import type { Tasks } from '../engines/jobs/jobs.ts'
import { readSha256 } from '../engines/object-store/digest.ts'
import { type ObjectStore, ObjectStoreError } from '../engines/object-store/index.ts'
import { jobAttempt } from '../history/index.ts'
import type { AssetRow } from './asset.ts'
import { type ChangeContext, purgeTrashed } from './change.ts'
import { markLost } from './loss.ts'

declare module '../engines/jobs/jobs.ts' {
  interface TaskPayloads {
    /** Reads what an upload left open and makes the asset ready. */
    'asset:process': { assetId: string }
    'asset:purge': { assetId: string }
  }
}

export type AssetTaskContext = ChangeContext & { store: ObjectStore }

export function assetTasks(context: AssetTaskContext): Pick<Tasks, 'asset:process' | 'asset:purge'> {
  return {
    'asset:process': ({ assetId }, { attempt }) => processAsset(context, assetId, attempt),
    'asset:purge': ({ assetId }, { attempt }) => purgeTrashed(context, jobAttempt(null, attempt), assetId),
  }
}

/** Safe to repeat. A store that does not answer throws, and the job is tried again. */
async function processAsset(context: AssetTaskContext, assetId: string, attempt: number): Promise<void> {
  const asset = await context.db.selectFrom('asset').selectAll().where('id', '=', assetId).executeTakeFirst()
  if (asset === undefined || asset.state !== 'processing') return
  try {
    const sha256 = asset.sha256 ?? (await readSha256(context.store, asset.object_key))
    context.fault('process.read')
    await makeReady(context.db, asset, sha256)
  } catch (error) {
    if (!(error instanceof ObjectStoreError && error.code === 'not-found')) throw error
    await markLost(context.db, asset, 'original-missing', attempt)
  }
}

async function makeReady(db: Db, asset: AssetRow, sha256: Uint8Array): Promise<void> {
  const ready = (isDuplicate: boolean) =>
    db
      .updateTable('asset')
      .set((eb) => ({ state: 'ready', sha256, is_duplicate: isDuplicate, version: eb('version', '+', 1) }))
      .where('id', '=', asset.id)
      .where('state', '=', 'processing')
      .execute()
  try {
    await ready(asset.is_duplicate)
  } catch (error) {
    // The bytes turn out to be there already, too late to answer the upload with the other asset: both are kept.
    if (!violates(error, 'asset_content')) throw error
    await ready(true)
  }
}
