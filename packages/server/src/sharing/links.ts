/**
 * The links of an album, as its owner makes, changes and revokes them. What closes a link for uploads also ends those that
 * are under way, in the same transaction; the row is locked before, so that none is planned in between.
 */
import { sql } from 'kysely'
import { v7 as uuidv7 } from 'uuid'
import { requireAlbumOwner } from '../albums/index.ts'
import type { Tx } from '../engines/database/database.ts'
import { transact } from '../engines/database/transact.ts'
import { type Attempt, type HistoryAction, type HistoryEvent, history } from '../history/index.ts'
import { problems } from '../problem.ts'
import { requestShareable } from '../renditions/index.ts'
import { isLinkToken, newLinkToken } from './access.ts'
import type { LinkRow, SharingContext } from './context.ts'
import { noSuchLink } from './visitors.ts'

export interface LinkFields {
  expiresAt: Date | null
  /** Null for none. */
  password: string | null
  allowDownload: boolean
  allowUpload: boolean
  showLocation: boolean
}

/** More than anyone hands out, and few enough to be listed at once. */
const maxLinks = 100
const copiesAtOnce = 1000
/** It guards an address that nobody guesses, and tries are few: what friends tell each other on the phone will do. */
const shortestPassword = 4

export async function listLinks({ db }: SharingContext, ownerId: string, albumId: string): Promise<LinkRow[]> {
  await requireAlbumOwner(db, ownerId, albumId)
  return db
    .selectFrom('album_link')
    .selectAll()
    .where('album_id', '=', albumId)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .execute()
}

/** Throws `not-found`, `forbidden` for a member who is not the owner, `invalid-request`, or `conflict` for too many. */
export async function createLink(
  context: SharingContext,
  attempt: Attempt,
  ownerId: string,
  albumId: string,
  fields: LinkFields,
): Promise<LinkRow> {
  const { db, now } = context
  requireFuture(context, fields.expiresAt)
  await requireAlbumOwner(db, ownerId, albumId)
  const passwordHash = await hashOf(context, fields.password)
  const link = await transact(db, async (tx) => {
    // Held, so that links that are made at once are counted one after the other.
    await tx.selectFrom('album').select('id').where('id', '=', albumId).forUpdate().execute()
    await requireAlbumOwner(tx, ownerId, albumId)
    const { count } = await tx
      .selectFrom('album_link')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('album_id', '=', albumId)
      .executeTakeFirstOrThrow()
    if (Number(count) >= maxLinks) throw problems.conflict(`An album has ${maxLinks} links at most. Revoke one first.`)
    const link = await tx
      .insertInto('album_link')
      .values({
        id: uuidv7(),
        album_id: albumId,
        token: newLinkToken(),
        password_hash: passwordHash,
        expires_at: fields.expiresAt,
        allow_download: fields.allowDownload,
        allow_upload: fields.allowUpload,
        show_location: fields.showLocation,
        created_at: now(),
      })
      .returningAll()
      .executeTakeFirstOrThrow()
    await history.record(tx, attempt, eventOf('link.create', link))
    return link
  })
  if (givesCopies(link)) await requestCopies(context, albumId)
  return link
}

/** What is absent stays. A new password, also the same one, voids what visitors unlocked with the one before. */
export async function updateLink(
  context: SharingContext,
  attempt: Attempt,
  ownerId: string,
  token: string,
  changes: Partial<LinkFields>,
): Promise<LinkRow> {
  const { expiresAt, password, allowDownload, allowUpload, showLocation } = changes
  if (expiresAt !== undefined) requireFuture(context, expiresAt)
  // Outside of the transaction, since hashing takes long.
  const passwordHash = password === undefined ? undefined : await hashOf(context, password)
  const { before, link } = await transact(context.db, async (tx) => {
    const before = await lockOwn(tx, ownerId, token)
    const link = await tx
      .updateTable('album_link')
      .set({
        expires_at: expiresAt === undefined ? before.expires_at : expiresAt,
        password_hash: passwordHash === undefined ? before.password_hash : passwordHash,
        allow_download: allowDownload ?? before.allow_download,
        allow_upload: allowUpload ?? before.allow_upload,
        show_location: showLocation ?? before.show_location,
      })
      .where('id', '=', before.id)
      .returningAll()
      .executeTakeFirstOrThrow()
    if (before.allow_upload && !link.allow_upload) await context.endUploads(tx, link.id)
    await history.record(tx, attempt, eventOf('link.update', link))
    return { before, link }
  })
  if (givesCopies(link) && !givesCopies(before)) await requestCopies(context, link.album_id)
  return link
}

export async function deleteLink(
  context: SharingContext,
  attempt: Attempt,
  ownerId: string,
  token: string,
): Promise<void> {
  await transact(context.db, async (tx) => {
    const link = await lockOwn(tx, ownerId, token)
    await context.endUploads(tx, link.id)
    await tx.deleteFrom('album_link').where('id', '=', link.id).execute()
    await history.record(tx, attempt, eventOf('link.delete', link))
  })
}

async function lockOwn(tx: Tx, ownerId: string, token: string): Promise<LinkRow> {
  if (!isLinkToken(token)) throw noSuchLink()
  const link = await tx
    .selectFrom('album_link')
    .innerJoin('album', 'album.id', 'album_link.album_id')
    .selectAll('album_link')
    .where('token', '=', token)
    .where('album.owner_id', '=', ownerId)
    .forUpdate('album_link')
    .executeTakeFirst()
  if (link === undefined) throw noSuchLink()
  return link
}

function hashOf({ passwords }: SharingContext, password: string | null): Promise<string> | null {
  return password === null ? null : passwords.hash(password, shortestPassword)
}

function requireFuture({ now }: SharingContext, expiresAt: Date | null): void {
  if (expiresAt !== null && expiresAt <= now()) {
    throw problems.invalidRequest('A link can only end in the future. Revoke it to end it now.', {
      errors: [{ path: '/expiresAt', message: 'must be in the future' }],
    })
  }
}

/**
 * Has the copies made that visitors may download, before the first of them comes. Should this be cut short, and for what is
 * added later, showing an asset asks for its copy too.
 */
async function requestCopies({ db, jobs }: SharingContext, albumId: string): Promise<void> {
  const { rows } = await sql<{ id: string }>`
    select asset.id from album_asset join asset on asset.id = album_asset.asset_id
    where album_asset.album_id = ${albumId} and album_asset.visible
      and asset.holds_location and asset.state <> 'processing'
      and not exists (select from rendition where rendition.asset_id = asset.id and rendition.name = 'shareable')`.execute(
    db,
  )
  for (let start = 0; start < rows.length; start += copiesAtOnce) {
    const batch = rows.slice(start, start + copiesAtOnce)
    await requestShareable(
      jobs,
      db,
      batch.map(({ id }) => id),
    )
  }
}

const givesCopies = (link: LinkRow) => link.allow_download && !link.show_location

function eventOf(action: HistoryAction, link: LinkRow): HistoryEvent {
  return { action, objectType: 'link', objectId: link.id }
}
