/**
 * An album: photos and videos of one or several people, in an order, owned by one of them. Its row, who may do what with
 * it, and how it is locked. Somebody who does not belong to an album never learns that it is there.
 *
 * Whoever changes an album locks first the assets concerned, in the order of their ids, then the row of the album, then
 * what is in it. Its role is read under the lock, so that nobody adds after they were removed.
 */
import type { Selectable } from 'kysely'
import type { Db, Tx } from '../engines/database/database.ts'
import type { AlbumTable, MemberRole } from '../engines/database/schema.ts'
import { problems } from '../problem.ts'

export type AlbumRow = Selectable<AlbumTable>
export type AlbumRole = 'owner' | MemberRole

/** An album as somebody belongs to it. */
export interface OpenAlbum {
  row: AlbumRow
  role: AlbumRole
}

export interface AlbumContext {
  db: Db
  now: () => Date
}

/** Throws `not-found` for everybody who does not belong to it. */
export async function openAlbum(db: Db | Tx, accountId: string, albumId: string): Promise<OpenAlbum> {
  const row = await db.selectFrom('album').selectAll().where('id', '=', albumId).executeTakeFirst()
  return asOpen(db, accountId, row)
}

/** The same, and until the end of the transaction nobody else changes it. */
export async function lockAlbum(tx: Tx, accountId: string, albumId: string): Promise<OpenAlbum> {
  const row = await tx.selectFrom('album').selectAll().where('id', '=', albumId).forNoKeyUpdate().executeTakeFirst()
  // Who belongs to it is asked after the lock was waited for.
  return asOpen(tx, accountId, row)
}

async function asOpen(db: Db | Tx, accountId: string, row: AlbumRow | undefined): Promise<OpenAlbum> {
  if (row === undefined) throw noSuchAlbum()
  if (row.owner_id === accountId) return { row, role: 'owner' }
  const member = await db
    .selectFrom('album_member')
    .select('role')
    .where('album_id', '=', row.id)
    .where('account_id', '=', accountId)
    .executeTakeFirst()
  if (member === undefined) throw noSuchAlbum()
  return { row, role: member.role }
}

export function noSuchAlbum() {
  return problems.notFound('There is no such album.')
}

/** To those who know the album, so it gives nothing away. */
export function requireOwnership({ role }: OpenAlbum): void {
  if (role !== 'owner') throw problems.forbidden('Only the owner of the album may do this.')
}

export function requireContribution({ role }: OpenAlbum): void {
  if (role === 'viewer') throw problems.forbidden('You may look at this album, but not add to it. Ask its owner.')
}

export function requireVersion({ row }: OpenAlbum, ifMatch: number | null): void {
  if (ifMatch === null || row.version === ifMatch) return
  throw problems.preconditionFailed('The album was changed since you read it. Read it again and repeat your change.')
}

/** Throws `not-found` for strangers, and `forbidden` for members. */
export async function requireAlbumOwner(db: Db | Tx, accountId: string, albumId: string): Promise<AlbumRow> {
  const album = await openAlbum(db, accountId, albumId)
  requireOwnership(album)
  return album.row
}
