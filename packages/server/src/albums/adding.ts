/** Putting assets into albums and taking them out. */
import { sql } from 'kysely'
import type { Db, Tx } from '../engines/database/database.ts'
import { transact } from '../engines/database/transact.ts'
import { type Attempt, history } from '../history/index.ts'
import { isProblem, problems } from '../problem.ts'
import { type AlbumContext, lockAlbum, openAlbum, requireContribution } from './album.ts'

export interface Addition {
  albumId: string
  /** In the order in which they are appended. What is there already stays where it is. */
  assetIds: string[]
  /** Null for a guest. */
  addedBy: string | null
  at: Date
}

/**
 * Returns how many are new. The album must be locked, and that these assets may go into it is for the caller to know;
 * those that are gone make the transaction fail.
 */
export async function addToAlbum(tx: Tx, { albumId, assetIds, addedBy, at }: Addition): Promise<number> {
  if (assetIds.length === 0) return 0
  const { rows } = await sql<{ asset_id: string }>`
    insert into album_asset (album_id, asset_id, added_by, position, added_at)
    select ${albumId}::uuid, wanted.id, ${addedBy}::uuid, last.position + wanted.place, ${at}::timestamptz
    from unnest(${assetIds}::uuid[]) with ordinality as wanted (id, place),
      (select coalesce(max(position), 0) as position from album_asset where album_id = ${albumId}::uuid) as last
    order by wanted.id
    on conflict do nothing
    returning asset_id`.execute(tx)
  if (rows.length > 0) await touchAlbum(tx, albumId, at)
  return rows.length
}

/** Its content is another than before. Its version stays: who renames it while others add need not know of them. */
export async function touchAlbum(tx: Tx, albumId: string, at: Date): Promise<void> {
  await tx.updateTable('album').set({ updated_at: at }).where('id', '=', albumId).execute()
}

/** Throws `not-found` for strangers, and `forbidden` for those who may only look. */
export async function openForAdding(db: Db | Tx, accountId: string, albumId: string): Promise<void> {
  requireContribution(await openAlbum(db, accountId, albumId))
}

/** Adds those that are the account's own and can be seen; of others nothing is said. Returns how many are new. */
export async function addOwnAssets(
  { db, now }: AlbumContext,
  attempt: Attempt,
  accountId: string,
  albumId: string,
  assetIds: string[],
): Promise<number> {
  await openForAdding(db, accountId, albumId)
  return transact(db, async (tx) => {
    const own = await lockAddable(tx, accountId, assetIds)
    requireContribution(await lockAlbum(tx, accountId, albumId))
    const count = await addToAlbum(tx, { albumId, assetIds: own, addedBy: accountId, at: now() })
    await history.record(tx, attempt, { action: 'album.add', objectType: 'album', objectId: albumId })
    return count
  })
}

/** Those that can go into an album, in the order asked for; they stay as they are until the transaction ends. */
export async function lockAddable(tx: Tx, ownerId: string, assetIds: string[]): Promise<string[]> {
  const rows = await tx
    .selectFrom('asset')
    .select('id')
    .where('owner_id', '=', ownerId)
    .where(sql<boolean>`id = any(${assetIds}::uuid[])`)
    .where('purpose', '=', 'library')
    .where('trashed_at', 'is', null)
    .where('motion_of', 'is', null)
    .orderBy('id')
    .forShare()
    .execute()
  const addable = new Set(rows.map(({ id }) => id))
  return [...new Set(assetIds.map((id) => id.toLowerCase()))].filter((id) => addable.has(id))
}

export interface Arrival {
  albumId: string
  assetId: string
  ownerId: string
  /** It came from somebody without an account: the owner of the asset is that of the album. */
  isGuest: boolean
  at: Date
}

/**
 * Puts an asset that has just been uploaded, and that the transaction holds, into the album it was meant for. Returns false
 * when that is gone or no longer open to its owner, who has it in the library all the same.
 */
export async function admitArrival(tx: Tx, attempt: Attempt, arrival: Arrival): Promise<boolean> {
  const { albumId, assetId, ownerId, isGuest, at } = arrival
  try {
    requireContribution(await lockAlbum(tx, ownerId, albumId))
  } catch (error) {
    if (isProblem(error)) return false
    throw error
  }
  await addToAlbum(tx, { albumId, assetIds: [assetId], addedBy: isGuest ? null : ownerId, at })
  await history.record(tx, attempt, { action: 'album.add', objectType: 'album', objectId: albumId })
  return true
}

/** The owner takes out any, a contributor their own; throws `forbidden` when there is one of another among them. */
export async function removeAssets(
  { db, now }: AlbumContext,
  attempt: Attempt,
  accountId: string,
  albumId: string,
  assetIds: string[],
): Promise<void> {
  requireContribution(await openAlbum(db, accountId, albumId))
  await transact(db, async (tx) => {
    const assets = await lockContained(tx, albumId, assetIds)
    const album = await lockAlbum(tx, accountId, albumId)
    requireContribution(album)
    const isOthers = assets.some(({ owner_id, visible }) => visible && owner_id !== accountId)
    if (album.role !== 'owner' && isOthers) throw problems.forbidden('You may only take out what is yours.')
    const mine = album.role === 'owner' ? assets : assets.filter(({ owner_id }) => owner_id === accountId)
    await takeOut(
      tx,
      albumId,
      mine.map(({ id }) => id),
      now(),
    )
    await history.record(tx, attempt, { action: 'album.remove', objectType: 'album', objectId: albumId })
  })
}

/** Those of these that are in the album, hidden ones too, held against changes. */
export async function lockContained(
  tx: Tx,
  albumId: string,
  assetIds: string[],
): Promise<{ id: string; owner_id: string; visible: boolean }[]> {
  return tx
    .selectFrom('asset')
    .innerJoin('album_asset', 'album_asset.asset_id', 'asset.id')
    .select(['asset.id', 'asset.owner_id', 'album_asset.visible'])
    .where('album_asset.album_id', '=', albumId)
    .where(sql<boolean>`asset.id = any(${assetIds}::uuid[])`)
    .orderBy('asset.id')
    .forShare('asset')
    .execute()
}

/** The album must be locked. */
export async function takeOut(tx: Tx, albumId: string, assetIds: string[], at: Date): Promise<void> {
  if (assetIds.length === 0) return
  const { numDeletedRows } = await tx
    .deleteFrom('album_asset')
    .where('album_id', '=', albumId)
    .where(sql<boolean>`asset_id = any(${assetIds}::uuid[])`)
    .executeTakeFirst()
  if (numDeletedRows === 0n) return
  await tx
    .updateTable('album')
    .set({ cover_asset_id: null })
    .where('id', '=', albumId)
    .where(sql<boolean>`cover_asset_id = any(${assetIds}::uuid[])`)
    .execute()
  await touchAlbum(tx, albumId, at)
}
