/** How the making of renditions ends when it does not end well, and what is learned of the bytes in any case. */
import { type Db, isDatabaseUnavailable, violates } from '../engines/database/database.ts'
import { ObjectStoreError } from '../engines/object-store/index.ts'
import { announce } from './announce.ts'
import type { AssetRow, RenditionContext, Run } from './context.ts'
import { describedBy } from './described.ts'
import { CannotDecodeImage } from './image/index.ts'
import { CannotDecode, type MediaMetadata, recipe, type Undecodable } from './media.ts'
import { originalOf } from './original.ts'

/** After so many that were nobody else's fault the file is said to have failed. */
export const attempts = 5

/**
 * Ends a job that failed: what will be the same next time marks the asset as failed, and so does the last of several
 * attempts; anything else is thrown again, to be tried later. A store or database that is away never fails a file.
 */
export async function settleFailure(
  context: RenditionContext,
  asset: AssetRow,
  run: Run,
  error: unknown,
): Promise<void> {
  if (run.signal.aborted) throw error
  if (error instanceof ObjectStoreError) {
    if (error.code !== 'not-found') throw error
    return context.markLost(asset, run.attempt)
  }
  if (isDatabaseUnavailable(error)) throw error
  const failure = error instanceof CannotDecode ? error.reason : 'processing-failed'
  if (failure === 'processing-failed' && run.attempt < attempts) throw error
  context.log.warn({ err: error, asset: asset.id, contentType: asset.content_type }, `an asset failed: ${failure}`)
  if (asset.sha256 === null) {
    await recordSha256(context.db, asset, await originalOf(context.store, asset, run.signal).sha256())
  }
  await markFailed(context.db, asset, error instanceof CannotDecodeImage ? error.metadata : null, failure, run.attempt)
}

/** An asset that was shown before stays as it is: what was made of it by an older recipe is still good. */
async function markFailed(
  db: Db,
  asset: AssetRow,
  /** What is known of it although it cannot be shown. */
  metadata: MediaMetadata | null,
  failure: Undecodable | 'processing-failed',
  attempt: number,
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const current = await tx
      .selectFrom('asset')
      .selectAll()
      .where('id', '=', asset.id)
      .where('object_key', '=', asset.object_key)
      .forUpdate()
      .executeTakeFirst()
    if (current === undefined) return
    const changed = await tx
      .updateTable('asset')
      .set((eb) => ({
        ...(metadata === null ? {} : describedBy(metadata, current)),
        // What was not understood as a picture may tell more than was read.
        holds_location: true,
        recipe,
        pending: [],
        version: eb('version', '+', 1),
        ...(current.state === 'ready' ? {} : { state: 'failed' as const, failure }),
      }))
      .where('id', '=', asset.id)
      .returningAll()
      .executeTakeFirstOrThrow()
    await announce(tx, changed, { done: [], errorClass: failure, attempt })
  })
}

/** The bytes may turn out to be there already, too late to answer the upload with the other asset: both are kept. */
export async function recordSha256(db: Db, asset: AssetRow, sha256: Uint8Array): Promise<void> {
  if (asset.sha256 !== null) return
  const record = (isDuplicate: boolean) =>
    db
      .updateTable('asset')
      .set({ sha256, is_duplicate: isDuplicate })
      .where('id', '=', asset.id)
      .where('object_key', '=', asset.object_key)
      .where('sha256', 'is', null)
      .execute()
  try {
    await record(asset.is_duplicate)
  } catch (error) {
    if (!violates(error, 'asset_content')) throw error
    await record(true)
  }
}
