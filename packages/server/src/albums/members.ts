/**
 * Who belongs to an album besides its owner. Somebody who leaves, or is removed, takes their own photos along, and from the
 * next request on the album is not there for them.
 */
import type { Db, Tx } from '../engines/database/database.ts'
import type { MemberRole } from '../engines/database/schema.ts'
import { transact } from '../engines/database/transact.ts'
import { type Attempt, history } from '../history/index.ts'
import { problems } from '../problem.ts'
import { touchAlbum } from './adding.ts'
import { type AlbumContext, lockAlbum, openAlbum, requireAlbumOwner, requireOwnership } from './album.ts'

export interface Member {
  accountId: string
  role: MemberRole
}

/** They are listed at once. */
const maxMembers = 500

/** In the order in which they came. */
export async function listMembers(db: Db, albumId: string): Promise<Member[]> {
  const rows = await db
    .selectFrom('album_member')
    .select(['account_id', 'role'])
    .where('album_id', '=', albumId)
    .orderBy('added_at')
    .orderBy('account_id')
    .execute()
  return rows.map(({ account_id: accountId, role }) => ({ accountId, role }))
}

/** Adds somebody, or changes what they may do. Throws `not-found` for a handle that nobody has. */
export async function setMember(
  { db, now }: AlbumContext,
  attempt: Attempt,
  ownerId: string,
  albumId: string,
  handle: string,
  role: MemberRole,
): Promise<Member> {
  // Only an owner learns which handles there are.
  await requireAlbumOwner(db, ownerId, albumId)
  const accountId = await findAccount(db, handle)
  if (accountId === null) throw problems.notFound('Nobody here has this handle.')
  if (accountId === ownerId) throw problems.conflict('The album is yours already.')
  return transact(db, async (tx) => {
    requireOwnership(await lockAlbum(tx, ownerId, albumId))
    const { count } = await tx
      .selectFrom('album_member')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('album_id', '=', albumId)
      .where('account_id', '!=', accountId)
      .executeTakeFirstOrThrow()
    if (Number(count) >= maxMembers) throw problems.conflict(`An album has ${maxMembers} members at most.`)
    // Deleted since they were looked up: their memberships went at once, and none may come after.
    const account = await tx
      .selectFrom('account')
      .select('id')
      .where('id', '=', accountId)
      .where('deleted_at', 'is', null)
      .forShare()
      .executeTakeFirst()
    if (account === undefined) throw problems.notFound('Nobody here has this handle.')
    await tx
      .insertInto('album_member')
      .values({ album_id: albumId, account_id: accountId, role, added_at: now() })
      .onConflict((conflict) => conflict.columns(['album_id', 'account_id']).doUpdateSet({ role }))
      .execute()
    await history.record(tx, attempt, { action: 'member.add', ...member(albumId, accountId) })
    return { accountId, role }
  })
}

/** For the owner, and for whoever leaves. */
export async function removeMember(
  { db, now }: AlbumContext,
  attempt: Attempt,
  actorId: string,
  albumId: string,
  handle: string,
): Promise<void> {
  const { row, role } = await openAlbum(db, actorId, albumId)
  const accountId = await findAccount(db, handle)
  if (role !== 'owner' && accountId !== actorId) {
    throw problems.forbidden('Only the owner of the album removes others from it.')
  }
  if (accountId === row.owner_id) throw problems.conflict('Owners cannot leave their album. Delete it instead.')
  if (accountId === null) throw noSuchMember()
  await transact(db, async (tx) => {
    await lockAlbum(tx, actorId, albumId)
    const { numDeletedRows } = await tx
      .deleteFrom('album_member')
      .where('album_id', '=', albumId)
      .where('account_id', '=', accountId)
      .executeTakeFirst()
    if (numDeletedRows === 0n) throw noSuchMember()
    await takeAlong(tx, albumId, accountId, now())
    await history.record(tx, attempt, { action: 'member.remove', ...member(albumId, accountId) })
  })
}

/**
 * In the transaction that ends an account: its albums go, and it leaves those of others. What others have in its albums
 * stays in their libraries.
 */
export async function leaveAlbums(tx: Tx, accountId: string, at: Date): Promise<void> {
  const joined = await tx
    .selectFrom('album')
    .innerJoin('album_member', 'album_member.album_id', 'album.id')
    .select('album.id')
    .where('album_member.account_id', '=', accountId)
    .orderBy('album.id')
    .forNoKeyUpdate('album')
    .execute()
  for (const { id } of joined) await takeAlong(tx, id, accountId, at)
  await tx.deleteFrom('album_member').where('account_id', '=', accountId).execute()
  await tx.deleteFrom('album').where('owner_id', '=', accountId).execute()
}

/** The album must be locked: nothing of theirs comes after. */
async function takeAlong(tx: Tx, albumId: string, accountId: string, at: Date): Promise<void> {
  const { numDeletedRows } = await tx
    .deleteFrom('album_asset')
    .using('asset')
    .whereRef('asset.id', '=', 'album_asset.asset_id')
    .where('album_asset.album_id', '=', albumId)
    .where('asset.owner_id', '=', accountId)
    .executeTakeFirst()
  if (numDeletedRows === 0n) return
  await tx
    .updateTable('album')
    .set({ cover_asset_id: null })
    .where('id', '=', albumId)
    .where((eb) =>
      eb('cover_asset_id', 'in', eb.selectFrom('asset').select('asset.id').where('asset.owner_id', '=', accountId)),
    )
    .execute()
  await touchAlbum(tx, albumId, at)
}

/** Null also for one that is being deleted. */
async function findAccount(db: Db, handle: string): Promise<string | null> {
  const row = await db
    .selectFrom('account')
    .select('id')
    .where('handle', '=', handle.toLowerCase())
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return row?.id ?? null
}

function noSuchMember() {
  return problems.notFound('Nobody with this handle is in the album.')
}

function member(albumId: string, accountId: string) {
  return { objectType: 'member' as const, objectId: `${albumId}/${accountId}` }
}
