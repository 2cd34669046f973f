/**
 * Uploads of guests, who come by a link into an album of somebody: the bytes are the owner's, and count for them. A guest
 * learns nothing of the owner's library but what the album shows: a file that the owner has elsewhere, or in the trash, is
 * taken like any other and kept a second time.
 *
 * What could go wrong: a link that is closed while bytes are under way. Closing it ends its uploads; what is planned in
 * that moment is refused at completion, which holds the link against changes, also when nobody but the hourly look at
 * expired uploads completes it.
 */
import { type RawBuilder, sql } from 'kysely'
import { isLost } from '../assets/index.ts'
import type { Db, Tx } from '../engines/database/database.ts'
import { problems } from '../problem.ts'
import type { UploadContext, UploadRow } from './context.ts'
import { endUpload } from './end.ts'

type GuestUpload = Pick<UploadRow, 'link_id' | 'album_id' | 'owner_id'>

/** Locks the link before the upload, as whoever closes it does. Throws `forbidden` when it takes uploads no more. */
export async function requireTakingLink(tx: Tx, upload: GuestUpload, now: Date): Promise<void> {
  if (upload.link_id === null) return
  const link = await tx
    .selectFrom('album_link')
    .innerJoin('album', 'album.id', 'album_link.album_id')
    .innerJoin('account', 'account.id', 'album.owner_id')
    .select(['album_link.allow_upload', 'album_link.expires_at'])
    .where('album_link.id', '=', upload.link_id)
    .where('album_link.album_id', '=', upload.album_id)
    .where('album.owner_id', '=', upload.owner_id)
    .where('account.suspended_at', 'is', null)
    .where('account.deleted_at', 'is', null)
    .forShare('album_link')
    .executeTakeFirst()
  const isOver = link === undefined || (link.expires_at !== null && link.expires_at <= now)
  if (isOver || !link.allow_upload) throw problems.forbidden('The link takes no more uploads.')
}

/** To be called in the transaction that closes a link, with its row locked. */
export async function endGuestUploads(
  context: Pick<UploadContext, 'jobs' | 'now'>,
  tx: Tx,
  linkId: string,
): Promise<void> {
  const uploads = await tx
    .selectFrom('upload')
    .select('id')
    .where('link_id', '=', linkId)
    .where('state', '=', 'uploading')
    .orderBy('id')
    .execute()
  for (const { id } of uploads) await endUpload(context, tx, id, { state: 'aborted', failure: 'link-closed' })
}

/** The assets that an album shows with these bytes. The literal predicates are those of two partial indexes. */
export function shownWithContent(
  db: Db | Tx,
  { albumId, ownerId, sha256 }: { albumId: string; ownerId: string; sha256: Uint8Array },
) {
  const same = (predicate: RawBuilder<boolean>) =>
    db.selectFrom('asset').select('id').where('owner_id', '=', ownerId).where('sha256', '=', sha256).where(predicate)
  return db
    .selectFrom('asset')
    .innerJoin('album_asset', 'album_asset.asset_id', 'asset.id')
    .selectAll('asset')
    .where('asset.id', 'in', same(sql<boolean>`not is_duplicate`).unionAll(same(sql<boolean>`is_duplicate`)))
    .where('album_asset.album_id', '=', albumId)
    .where('album_asset.visible', '=', sql.lit(true))
    .where((eb) => eb.not(isLost))
    .limit(1)
}
