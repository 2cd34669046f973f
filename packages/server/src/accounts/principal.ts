/** Who a request acts for. Made by `accounts/authenticate.ts` from a bearer token or the session cookie. */

/** What a token may do. A session may do all of it for its account. */
export const scopes = [
  'account:read',
  'account:write',
  'uploads:write',
  'assets:read',
  'assets:write',
  'history:read',
  'admin',
] as const

export type Scope = (typeof scopes)[number]

export interface AccountPrincipal {
  kind: 'account'
  accountId: string
  handle: string
  role: 'member' | 'administrator'
  scopes: ReadonlySet<Scope>
  via: 'session' | 'personal' | 'jwt'
  /** Row of `access_token`; null for a JWT. */
  tokenId: string | null
  /** True when it came as a cookie, so that unsafe methods need CSRF protection. */
  cookie: boolean
}

export type Principal = { kind: 'anonymous' } | AccountPrincipal
