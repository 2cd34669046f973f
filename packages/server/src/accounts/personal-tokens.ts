/**
 * Personal access tokens: for programs, with chosen scopes, until they are deleted or expire. A token never grants more
 * than the one it was made with: neither scopes, nor, when a personal token makes another, time.
 */
import { v7 as uuidv7 } from 'uuid'
import type { Tx } from '../engines/database/database.ts'
import { type Attempt, type HistoryEvent, history } from '../history/index.ts'
import { problems } from '../problem.ts'
import { recordFailure } from './attempts.ts'
import type { AccountContext } from './context.ts'
import { type AccountPrincipal, grantedScopes, type Scope } from './principal.ts'
import { newSecret } from './secret-token.ts'

export interface PersonalToken {
  id: string
  name: string
  scopes: Scope[]
  expiresAt: string | null
  createdAt: string
}

/** Tokens an account may have; more is a program that forgets its own. */
const maxTokens = 200

/** Throws `insufficient-scope` for more than the creator has, `invalid-request` for a time that is past or too late. */
export async function createToken(
  context: AccountContext,
  principal: AccountPrincipal,
  input: { name: string; scopes: Scope[]; expiresAt: Date | null },
  attempt: Attempt,
): Promise<PersonalToken & { token: string }> {
  const event: HistoryEvent = { action: 'token.create', objectType: 'token' }
  return recordFailure(context.db, attempt, event, async () => {
    const lacking = input.scopes.filter((scope) => !principal.scopes.has(scope))
    if (lacking.length > 0) {
      throw problems.insufficientScope(`A token cannot grant what its creator lacks: ${lacking.join(', ')}.`)
    }
    if (input.expiresAt !== null && input.expiresAt <= context.now()) throw badExpiry('must lie in the future')
    const { token, hash } = newSecret('personal')
    const id = uuidv7()
    const createdAt = context.now()
    await context.db.transaction().execute(async (tx) => {
      await requireLiveCreator(tx, principal, input.expiresAt)
      await tx
        .insertInto('access_token')
        .values({
          id,
          account_id: principal.accountId,
          kind: 'personal',
          name: input.name,
          secret_hash: hash,
          scopes: [...new Set(input.scopes)],
          expires_at: input.expiresAt,
          created_at: createdAt,
        })
        .execute()
      await history.record(tx, attempt, { ...event, objectId: id })
    })
    return {
      id,
      name: input.name,
      scopes: [...new Set(input.scopes)],
      token,
      expiresAt: input.expiresAt?.toISOString() ?? null,
      createdAt: createdAt.toISOString(),
    }
  })
}

/** The locks make revoking the creator, suspending or deleting the account wait until this token can be seen. */
async function requireLiveCreator(tx: Tx, principal: AccountPrincipal, expiresAt: Date | null): Promise<void> {
  const account = await tx
    .selectFrom('account')
    .select('id')
    .where('id', '=', principal.accountId)
    .where('deleted_at', 'is', null)
    .where('suspended_at', 'is', null)
    .forNoKeyUpdate()
    .executeTakeFirst()
  if (account === undefined) throw problems.unauthenticated('The account is gone or suspended.')
  const { count } = await tx
    .selectFrom('access_token')
    .select((expression) => expression.fn.countAll<number>().as('count'))
    .where('account_id', '=', principal.accountId)
    .where('kind', '=', 'personal')
    .executeTakeFirstOrThrow()
  if (count >= maxTokens) throw problems.conflict(`An account has at most ${maxTokens} tokens. Delete some first.`)
  if (principal.tokenId === null) return
  const creator = await tx
    .selectFrom('access_token')
    .select(['kind', 'expires_at'])
    .where('id', '=', principal.tokenId)
    .forShare()
    .executeTakeFirst()
  if (creator === undefined) throw problems.unauthenticated('This token was revoked.')
  if (creator.kind === 'session' || creator.expires_at === null) return
  if (expiresAt === null || expiresAt > creator.expires_at) {
    throw badExpiry('must not be later than that of the token it is made with')
  }
}

/** Oldest first; at most `maxTokens`. */
export async function listTokens(context: AccountContext, principal: AccountPrincipal): Promise<PersonalToken[]> {
  const rows = await context.db
    .selectFrom('access_token')
    .select(['id', 'name', 'scopes', 'expires_at', 'created_at'])
    .where('account_id', '=', principal.accountId)
    .where('kind', '=', 'personal')
    .orderBy('id')
    .execute()
  return rows.map((row) => ({
    id: row.id,
    name: row.name ?? '',
    scopes: [...grantedScopes(row.scopes)],
    expiresAt: row.expires_at?.toISOString() ?? null,
    createdAt: row.created_at.toISOString(),
  }))
}

/** Refused from the next request on. Throws `not-found` for what is missing or not one's own. */
export async function deleteToken(
  context: AccountContext,
  principal: AccountPrincipal,
  id: string,
  attempt: Attempt,
): Promise<void> {
  await context.db.transaction().execute(async (tx) => {
    const result = await tx
      .deleteFrom('access_token')
      .where('id', '=', id)
      .where('account_id', '=', principal.accountId)
      .where('kind', '=', 'personal')
      .executeTakeFirst()
    if (result.numDeletedRows === 0n) throw problems.notFound('You have no token with this id.')
    await history.record(tx, attempt, { action: 'token.delete', objectType: 'token', objectId: id })
  })
}

function badExpiry(message: string) {
  return problems.invalidRequest('The time of expiry cannot be used.', { errors: [{ path: '/expiresAt', message }] })
}
