/**
 * Signing in and out. What could go wrong: guessing (slowed down by network and e-mail), telling strangers who has an
 * account (the answer and its time are the same), and a password changed while somebody signs in with the old one (the
 * session is opened only if the hash is still the one that was verified).
 */
import { v7 as uuidv7 } from 'uuid'
import type { Tx } from '../engines/database/database.ts'
import { type Attempt, type HistoryEvent, history } from '../history/index.ts'
import { problems } from '../problem.ts'
import { networkOf, recordFailure, slowDown } from './attempts.ts'
import type { AccountContext, AccountRow } from './context.ts'
import { type AccountPrincipal, scopes } from './principal.ts'
import { lockOwn, requireOwner } from './profile.ts'
import { newSecret } from './secret-token.ts'
import { type AccountView, type Versioned, viewAccount } from './view.ts'

export interface Session {
  /** Shown once; only its hash is kept. */
  token: string
  expiresAt: Date
}

export interface SignedIn extends Session {
  account: Versioned<AccountView>
}

/** Throws `invalid-credentials`, `account-suspended`, `too-many-requests`, or 503 when too many sign in at once. */
export async function signIn(
  context: AccountContext,
  input: { email: string; password: string },
  attempt: Attempt,
): Promise<SignedIn> {
  const { db, limiters } = context
  const email = input.email.toLowerCase()
  const network = networkOf(attempt)
  const event: HistoryEvent = { action: 'session.create', objectType: 'account' }
  await slowDown(db, limiters.signInNetwork, network, attempt, event)
  await slowDown(db, limiters.signIn, `${network} ${email}`, attempt, event)

  const signedIn = await recordFailure(db, attempt, event, async () => {
    const row = await db
      .selectFrom('account')
      .select(['id', 'password_hash'])
      .where('email', '=', email)
      .where('deleted_at', 'is', null)
      .executeTakeFirst()
    if (row !== undefined) event.objectId = row.id
    const isRight = await context.passwords.verify(input.password, row?.password_hash ?? null)
    if (row === undefined || !isRight) throw wrongCredentials()
    return db.transaction().execute((tx) => openVerified(context, tx, row, event, attempt))
  })
  limiters.signInNetwork.giveBack(network)
  limiters.signIn.giveBack(`${network} ${email}`)
  return signedIn
}

async function openVerified(
  context: AccountContext,
  tx: Tx,
  verified: Pick<AccountRow, 'id' | 'password_hash'>,
  event: HistoryEvent,
  attempt: Attempt,
): Promise<SignedIn> {
  // FOR SHARE makes a change of the password wait, so that it sees this session and revokes it.
  const row = await tx
    .selectFrom('account')
    .selectAll()
    .where('id', '=', verified.id)
    .where('password_hash', '=', verified.password_hash)
    .where('deleted_at', 'is', null)
    .forShare()
    .executeTakeFirst()
  if (row === undefined) throw wrongCredentials()
  if (row.suspended_at !== null) throw suspended()
  await tx.deleteFrom('access_token').where('account_id', '=', row.id).where('expires_at', '<', context.now()).execute()
  const session = await openSession(context, tx, row)
  await history.record(tx, { ...attempt, actorId: row.id }, event)
  return { account: await viewAccount(context, tx, row), ...session }
}

export async function openSession(context: AccountContext, tx: Tx, account: AccountRow): Promise<Session> {
  const { token, hash } = newSecret('session')
  const expiresAt = new Date(context.now().getTime() + context.sessionDays * 86_400_000)
  await tx
    .insertInto('access_token')
    .values({
      id: uuidv7(),
      account_id: account.id,
      kind: 'session',
      secret_hash: hash,
      scopes: [...scopes],
      expires_at: expiresAt,
      created_at: context.now(),
    })
    .execute()
  return { token, expiresAt }
}

/** Ends the session the request came with. Throws `conflict` for a personal token or a JWT: those are not sessions. */
export async function signOut(context: AccountContext, principal: AccountPrincipal, attempt: Attempt): Promise<void> {
  const { tokenId } = principal
  if (principal.via !== 'session' || tokenId === null) {
    throw problems.conflict('This request did not come with a session. Delete a personal token by its id.')
  }
  await context.db.transaction().execute(async (tx) => {
    await tx.deleteFrom('access_token').where('id', '=', tokenId).execute()
    await history.record(tx, attempt, {
      action: 'session.delete',
      objectType: 'account',
      objectId: principal.accountId,
    })
  })
}

/**
 * Ends every session of the account, the one of the request included. Personal tokens are programs and stay. Throws
 * `forbidden` for a personal token.
 */
export async function signOutEverywhere(
  context: AccountContext,
  principal: AccountPrincipal,
  attempt: Attempt,
): Promise<void> {
  requireOwner(principal, 'end sessions')
  await context.db.transaction().execute(async (tx) => {
    // Makes somebody who is signing in right now wait or be seen, so that no session is left behind.
    await lockOwn(tx, principal.accountId)
    await tx
      .deleteFrom('access_token')
      .where('account_id', '=', principal.accountId)
      .where('kind', '=', 'session')
      .execute()
    await history.record(tx, attempt, {
      action: 'session.delete',
      objectType: 'account',
      objectId: principal.accountId,
    })
  })
}

/** The same words for an unknown e-mail and a wrong password. */
function wrongCredentials() {
  return problems.invalidCredentials('The e-mail address or the password is wrong.')
}

export function suspended() {
  return problems.accountSuspended('Ask the administrator of this server.')
}
