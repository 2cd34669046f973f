/** Making albums, changing what they are called and how they show, and removing them. What was in them stays with its owners. */
import { v7 as uuidv7 } from 'uuid'
import type { AlbumSort } from '../engines/database/schema.ts'
import { transact } from '../engines/database/transact.ts'
import { type Attempt, history } from '../history/index.ts'
import { problems } from '../problem.ts'
import { addToAlbum, lockAddable } from './adding.ts'
import { type AlbumContext, lockAlbum, type OpenAlbum, requireOwnership, requireVersion } from './album.ts'

export interface NewAlbum {
  title: string
  description: string | null
  /** Of the owner's library; others are left out. */
  assetIds: string[]
}

export async function createAlbum(
  { db, now }: AlbumContext,
  attempt: Attempt,
  ownerId: string,
  { title, description, assetIds }: NewAlbum,
): Promise<OpenAlbum> {
  return transact(db, async (tx) => {
    const own = await lockAddable(tx, ownerId, assetIds)
    const at = now()
    const row = await tx
      .insertInto('album')
      .values({ id: uuidv7(), owner_id: ownerId, title, description, created_at: at, updated_at: at })
      .returningAll()
      .executeTakeFirstOrThrow()
    await addToAlbum(tx, { albumId: row.id, assetIds: own, addedBy: ownerId, at })
    await history.record(tx, attempt, { action: 'album.create', objectType: 'album', objectId: row.id })
    return { row, role: 'owner' }
  })
}

/** What is absent stays as it is. */
export interface AlbumEdit {
  title?: string | undefined
  description?: string | null | undefined
  /** Of what the album shows; null for the first of it. */
  coverAssetId?: string | null | undefined
  order?: AlbumSort | undefined
  shareLocation?: boolean | undefined
}

/** Throws `not-found`, `forbidden`, `precondition-failed`, or `invalid-request` for a cover that the album does not show. */
export async function editAlbum(
  { db, now }: AlbumContext,
  attempt: Attempt,
  accountId: string,
  albumId: string,
  edit: AlbumEdit,
  ifMatch: number | null,
): Promise<OpenAlbum> {
  return transact(db, async (tx) => {
    const album = await lockAlbum(tx, accountId, albumId)
    requireOwnership(album)
    requireVersion(album, ifMatch)
    if (typeof edit.coverAssetId === 'string') {
      const shown = await tx
        .selectFrom('album_asset')
        .select('asset_id')
        .where('album_id', '=', albumId)
        .where('asset_id', '=', edit.coverAssetId)
        .where('visible', '=', true)
        .executeTakeFirst()
      if (shown === undefined) {
        throw problems.invalidRequest('The cover is chosen from what the album shows.', {
          errors: [{ path: '/coverAssetId', message: 'must be in the album' }],
        })
      }
    }
    const row = await tx
      .updateTable('album')
      .set((eb) => ({
        version: eb('version', '+', 1),
        updated_at: now(),
        ...(edit.title === undefined ? {} : { title: edit.title }),
        ...(edit.description === undefined ? {} : { description: edit.description }),
        ...(edit.coverAssetId === undefined ? {} : { cover_asset_id: edit.coverAssetId }),
        ...(edit.order === undefined ? {} : { sort: edit.order }),
        ...(edit.shareLocation === undefined ? {} : { share_location: edit.shareLocation }),
      }))
      .where('id', '=', albumId)
      .returningAll()
      .executeTakeFirstOrThrow()
    await history.record(tx, attempt, { action: 'album.update', objectType: 'album', objectId: albumId })
    return { row, role: 'owner' }
  })
}

/** Its members and links go with it. */
export async function deleteAlbum(
  { db }: AlbumContext,
  attempt: Attempt,
  accountId: string,
  albumId: string,
  ifMatch: number | null,
): Promise<void> {
  await transact(db, async (tx) => {
    const album = await lockAlbum(tx, accountId, albumId)
    requireOwnership(album)
    requireVersion(album, ifMatch)
    await tx.deleteFrom('album').where('id', '=', albumId).execute()
    await history.record(tx, attempt, { action: 'album.delete', objectType: 'album', objectId: albumId })
  })
}
