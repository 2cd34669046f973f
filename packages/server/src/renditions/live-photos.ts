/**
 * A Live Photo is two files, a photo and a short video, that carry one identifier. Whichever is processed second finds the
 * other, and the video becomes the photo's motion: shown with it, and trashed, restored and removed with it.
 */
import { sql } from 'kysely'
import type { AssetRow, Tx } from './context.ts'

/**
 * The other file, if it is there and free. To be called first in the transaction: until its end nobody else looks for
 * this identifier, so that two files that are processed at once find each other exactly once.
 */
export async function findCounterparts(tx: Tx, asset: AssetRow, identifier: string | null): Promise<string[]> {
  if (identifier === null || asset.purpose !== 'library') return []
  await sql`select pg_advisory_xact_lock(hashtextextended(${`live-photo ${asset.owner_id} ${identifier}`}, 0))`.execute(
    tx,
  )
  const rows = await tx
    .selectFrom('asset')
    .select('id')
    .where('owner_id', '=', asset.owner_id)
    .where('content_identifier', '=', identifier)
    .where('kind', '!=', asset.kind)
    .where('id', '!=', asset.id)
    .orderBy('id')
    .limit(10)
    .execute()
  return rows.map(({ id }) => id)
}

/** Joins the two when both stand for themselves. Under the locks of both. */
export async function joinLivePhoto(tx: Tx, current: AssetRow, others: AssetRow[]): Promise<void> {
  const other = others.find((candidate) => candidate.trashed_at === null && candidate.motion_of === null)
  if (other === undefined || current.trashed_at !== null || current.motion_of !== null) return
  const [photo, video] = current.kind === 'image' ? [current, other] : [other, current]
  const taken = await tx.selectFrom('asset').select('id').where('motion_of', '=', photo.id).executeTakeFirst()
  if (taken !== undefined) return
  await tx
    .updateTable('asset')
    .set((eb) => ({ motion_of: photo.id, version: eb('version', '+', 1) }))
    .where('id', '=', video.id)
    .execute()
}
