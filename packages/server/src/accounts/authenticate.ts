/**
 * Who a request acts for. It runs on every request, so a token costs one indexed query, which requests that come at the same
 * moment share, and nothing is remembered between requests: what is revoked or suspended is refused from the next request on,
 * in every process.
 *
 * A credential that is there but not valid is an error, never an anonymous visitor: a program whose token expired must
 * not be shown a public answer and believe it.
 */
import { sql } from 'kysely'
import type { Db } from '../engines/database/database.ts'
import { gather } from '../engines/database/gather.ts'
import type { Attempt } from '../history/index.ts'
import { problems } from '../problem.ts'
import type { AccountRow } from './context.ts'
import { requireOwnOrigin } from './csrf.ts'
import { createJwtVerifier, type ExternalIdentity } from './jwt.ts'
import type { JwtIssuer } from './jwt-issuers.ts'
import { type AccountPrincipal, effectiveScopes, type Principal, scopes } from './principal.ts'
import { findExternal, provision } from './provisioning.ts'
import { hashSecret, isSecretToken } from './secret-token.ts'
import { sessionCookie } from './session-cookie.ts'
import { suspended } from './sessions.ts'

/** The parts of a request that matter here; a Fastify request is one. */
export interface CredentialRequest {
  method: string
  headers: Record<string, string | string[] | undefined>
  cookies?: Record<string, string | undefined>
  /** Client address, for the record of a first sign-in. */
  ip?: string
}

export interface AuthenticatorDeps {
  db: Db
  issuers: JwtIssuer[]
  /** Bytes an account may store that is made for an external identity. */
  storageLimit: number
  /** Origins besides the request's own from which a cookie counts, written as browsers write them. */
  allowedOrigins: ReadonlySet<string>
  now?: () => Date
}

export interface Authenticator {
  /**
   * Anonymous without credentials. Throws `unauthenticated` for wrong, expired or revoked ones, `account-suspended`,
   * `forbidden` for a cookie on a request that another site made, 503 when an issuer's keys cannot be had.
   */
  authenticate(request: CredentialRequest): Promise<Principal>
  /**
   * For clients that can only put a token into the URL, where logs and histories see it: only a personal token that can
   * do nothing but upload is accepted.
   */
  authenticatePathToken(token: string): Promise<AccountPrincipal>
}

export function createAuthenticator(deps: AuthenticatorDeps): Authenticator {
  const now = deps.now ?? (() => new Date())
  const verifyJwt = createJwtVerifier(deps.issuers, now)
  const findToken = gather((hashes: Uint8Array[]) => findTokens(deps.db, hashes), hex, lookups)

  const fromSecret = async (token: string, cookie: boolean): Promise<AccountPrincipal> => {
    if (!isSecretToken(token)) throw refused()
    const row = await findToken(hashSecret(token))
    if (row === null || (row.expires_at !== null && row.expires_at <= now())) throw refused()
    requireLive(row)
    return {
      kind: 'account',
      accountId: row.account_id,
      handle: row.handle,
      role: row.role,
      scopes: effectiveScopes(row.role, row.kind === 'session' ? scopes : row.scopes),
      via: row.kind,
      tokenId: row.id,
      cookie,
    }
  }

  const fromJwt = async (token: string, request: CredentialRequest): Promise<AccountPrincipal> => {
    const identity = await verifyJwt(token)
    const known = await findExternal(deps.db, identity)
    const attempt: Attempt = {
      actorId: null,
      address: request.ip ?? null,
      protocol: 'https',
      endpoint: null,
      attempt: 1,
    }
    const row = known ?? (await provision({ ...deps, now }, identity, attempt))
    requireLive(row)
    const role = await followRole(deps.db, row, identity)
    return {
      kind: 'account',
      accountId: row.id,
      handle: row.handle,
      role,
      scopes: effectiveScopes(role, identity.scopes),
      via: 'jwt',
      tokenId: null,
      cookie: false,
    }
  }

  return {
    async authenticate(request) {
      const { authorization } = request.headers
      if (authorization !== undefined) {
        const token = bearerToken(authorization)
        return isSecretToken(token) ? fromSecret(token, false) : fromJwt(token, request)
      }
      const cookie = request.cookies?.[sessionCookie]
      if (cookie === undefined || cookie === '') return { kind: 'anonymous' }
      requireOwnOrigin(request, deps.allowedOrigins)
      const principal = await fromSecret(cookie, true)
      if (principal.via !== 'session') throw refused()
      return principal
    },

    async authenticatePathToken(token) {
      const principal = await fromSecret(token, false)
      const isUploadOnly = principal.scopes.size === 1 && principal.scopes.has('uploads:write')
      if (principal.via !== 'personal' || !isUploadOnly) {
        throw problems.unauthenticated('Only a personal token whose one scope is uploads:write may ride in a URL.')
      }
      return principal
    },
  }
}

/** Few at once: under load the rest of them come together in the next. */
const lookups = { atOnce: 2, most: 100 }

/** In the order of the hashes; null for those of no token. */
async function findTokens(db: Db, hashes: Uint8Array[]) {
  const rows = await db
    .selectFrom('access_token as token')
    .innerJoin('account', 'account.id', 'token.account_id')
    .select([
      'token.id',
      'token.kind',
      'token.scopes',
      'token.expires_at',
      'token.account_id',
      'token.secret_hash',
      'account.handle',
      'account.role',
      'account.suspended_at',
      'account.deleted_at',
    ])
    .where(sql<boolean>`token.secret_hash = any(${hashes}::bytea[])`)
    .execute()
  const found = new Map(rows.map((row) => [hex(row.secret_hash), row]))
  return hashes.map((hash) => found.get(hex(hash)) ?? null)
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** RFC 6750 section 2.1. */
function bearerToken(authorization: string | string[]): string {
  const match = typeof authorization === 'string' ? /^Bearer +(\S+) *$/i.exec(authorization) : null
  if (match?.[1] === undefined) throw problems.unauthenticated('Authorization must be "Bearer" and one token.')
  return match[1]
}

function requireLive(account: Pick<AccountRow, 'deleted_at' | 'suspended_at'>): void {
  if (account.deleted_at !== null) throw refused()
  if (account.suspended_at !== null) throw suspended()
}

/** Where the issuer decides roles, a change there counts at once and is kept for what has no token at hand. */
async function followRole(db: Db, row: AccountRow, identity: ExternalIdentity): Promise<AccountRow['role']> {
  if (identity.role === null || identity.role === row.role) return row.role
  await db
    .updateTable('account')
    .set((expression) => ({ role: identity.role ?? row.role, version: expression('version', '+', 1) }))
    .where('id', '=', row.id)
    .execute()
  return identity.role
}

function refused() {
  return problems.unauthenticated('The token is wrong, expired or revoked. Sign in again.')
}
