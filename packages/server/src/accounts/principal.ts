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

/** The scopes among these names; a name this version does not know grants nothing. */
export function grantedScopes(names: Iterable<string>): ReadonlySet<Scope> {
  const given = new Set(names)
  return new Set(scopes.filter((scope) => given.has(scope)))
}

/** What a token may do now: `admin` is void while its account does not administer. */
export function effectiveScopes(role: AccountPrincipal['role'], granted: Iterable<string>): ReadonlySet<Scope> {
  const all = grantedScopes(granted)
  return role === 'administrator' ? all : new Set([...all].filter((scope) => scope !== 'admin'))
}
