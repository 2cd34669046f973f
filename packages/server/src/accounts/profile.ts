/** Reading and editing one's own account, and what others see of it. */
import type { Tx } from '../engines/database/database.ts'
import { type Attempt, type HistoryEvent, history } from '../history/index.ts'
import { problems } from '../problem.ts'
import { recordFailure } from './attempts.ts'
import type { AccountContext, AccountRow } from './context.ts'
import type { AccountPrincipal } from './principal.ts'
import { type ExpectedVersion, requireVersion } from './version.ts'
import { type AccountView, type PublicProfile, type Versioned, viewAccount, viewProfile } from './view.ts'

/** What is absent stays as it is. */
export interface ProfileChanges {
  name?: string | undefined
  /** Null takes the avatar away. */
  avatarAssetId?: string | null | undefined
  password?: string | undefined
}

export async function readOwn(context: AccountContext, accountId: string): Promise<Versioned<AccountView>> {
  const row = await context.db
    .selectFrom('account')
    .selectAll()
    .where('id', '=', accountId)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  if (row === undefined) throw gone()
  return viewAccount(context, context.db, row)
}

/** Throws `not-found` also for accounts that are suspended or being deleted. */
export async function readProfile(context: AccountContext, handle: string): Promise<PublicProfile> {
  const row = await context.db
    .selectFrom('account')
    .selectAll()
    .where('handle', '=', handle.toLowerCase())
    .where('deleted_at', 'is', null)
    .where('suspended_at', 'is', null)
    .executeTakeFirst()
  if (row === undefined) throw problems.notFound('Nobody here has this handle.')
  return viewProfile(context, row)
}

/**
 * A new password ends all other sessions of the account. Throws `precondition-failed`, `invalid-request` for an avatar
 * that is no image of one's own, `forbidden` for a password set by a personal token, `conflict` for one set on an account
 * whose issuer signs it in.
 */
export async function updateOwn(
  context: AccountContext,
  principal: AccountPrincipal,
  changes: ProfileChanges,
  expected: ExpectedVersion,
  attempt: Attempt,
): Promise<Versioned<AccountView>> {
  const event: HistoryEvent = { action: 'account.update', objectType: 'account', objectId: principal.accountId }
  return recordFailure(context.db, attempt, event, async () => {
    if (changes.password !== undefined) requireOwner(principal, 'set the password')
    const passwordHash = changes.password === undefined ? undefined : await context.passwords.hash(changes.password)
    return context.db.transaction().execute(async (tx) => {
      const row = await lockOwn(tx, principal.accountId)
      requireVersion(expected, row.version)
      if (passwordHash !== undefined && row.issuer !== null) {
        throw problems.conflict('This account signs in through its issuer and has no password here.')
      }
      if (typeof changes.avatarAssetId === 'string') await requireOwnImage(tx, row.id, changes.avatarAssetId)
      const updated = await tx
        .updateTable('account')
        .set((expression) => ({
          version: expression('version', '+', 1),
          ...(changes.name === undefined ? {} : { name: changes.name }),
          ...(changes.avatarAssetId === undefined ? {} : { avatar_asset_id: changes.avatarAssetId }),
          ...(passwordHash === undefined ? {} : { password_hash: passwordHash }),
        }))
        .where('id', '=', row.id)
        .returningAll()
        .executeTakeFirstOrThrow()
      if (passwordHash !== undefined) await endOtherSessions(tx, principal)
      if (updated.avatar_asset_id !== row.avatar_asset_id) {
        await context.jobs.enqueue(tx, 'avatar:publish', { accountId: row.id }, { key: `avatar:publish:${row.id}` })
      }
      await history.record(tx, attempt, event)
      return viewAccount(context, tx, updated)
    })
  })
}

/** A leaked token for a program must not be enough to take the account over or to end it. */
export function requireOwner(principal: AccountPrincipal, what: string): void {
  if (principal.via === 'personal') throw problems.forbidden(`A personal token cannot ${what}. Sign in for that.`)
}

export async function lockOwn(tx: Tx, accountId: string): Promise<AccountRow> {
  const row = await tx
    .selectFrom('account')
    .selectAll()
    .where('id', '=', accountId)
    .where('deleted_at', 'is', null)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (row === undefined) throw gone()
  return row
}

async function requireOwnImage(tx: Tx, accountId: string, assetId: string): Promise<void> {
  const asset = await tx
    .selectFrom('asset')
    .select('id')
    .where('id', '=', assetId)
    .where('owner_id', '=', accountId)
    .where('kind', '=', 'image')
    .where('trashed_at', 'is', null)
    .executeTakeFirst()
  if (asset === undefined) {
    throw problems.invalidRequest('The avatar cannot be used.', {
      errors: [{ path: '/avatarAssetId', message: 'must be an image of your own' }],
    })
  }
}

async function endOtherSessions(tx: Tx, principal: AccountPrincipal): Promise<void> {
  await tx
    .deleteFrom('access_token')
    .where('account_id', '=', principal.accountId)
    .where('kind', '=', 'session')
    .$if(principal.tokenId !== null, (query) => query.where('id', '!=', principal.tokenId))
    .execute()
}

function gone() {
  return problems.unauthenticated('This account is gone.')
}
