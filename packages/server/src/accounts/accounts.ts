/** The accounts of a server: everything its routes and its command line may do with them. */
import type { Db, Tx } from '../engines/database/database.ts'
import type { Jobs } from '../engines/jobs/jobs.ts'
import type { Attempt } from '../history/index.ts'
import { type AccountPage, listAccounts, type ManagedChanges, updateAccount } from './administration.ts'
import { hasAccounts } from './administrators.ts'
import type { AccountContext, AccountLimiters } from './context.ts'
import { deleteOwn } from './deletion.ts'
import type { JwtIssuer } from './jwt-issuers.ts'
import { createLimiter } from './limiter.ts'
import { createPasswords, type Passwords } from './password.ts'
import { createToken, deleteToken, listTokens, type PersonalToken } from './personal-tokens.ts'
import type { AccountPrincipal, Scope } from './principal.ts'
import { type ProfileChanges, readOwn, readProfile, updateOwn } from './profile.ts'
import { type Registration, register } from './registration.ts'
import { type SignedIn, signIn, signOut, signOutEverywhere } from './sessions.ts'
import type { ExpectedVersion } from './version.ts'
import type { AccountView, ManagedAccountView, PublicProfile, Versioned } from './view.ts'

export interface AccountsDeps {
  db: Db
  jobs: Jobs
  registration: 'open' | 'closed'
  /** Bytes a new account may store. */
  storageLimit: number
  sessionDays: number
  issuers?: JwtIssuer[]
  passwords?: Passwords
  limiters?: AccountLimiters
  /** Signed URL of an avatar, null while there is none to show. */
  avatarUrl?: (assetId: string) => Promise<string | null>
  /** In the transaction that ends an account: what others must not see of it from then on. */
  withdraw?: (tx: Tx, accountId: string) => Promise<void>
  now?: () => Date
}

export interface Accounts {
  /** False on a new server, whose first registration makes the administrator. */
  hasAccounts(): Promise<boolean>
  register(input: Registration, attempt: Attempt): Promise<SignedIn>
  signIn(input: { email: string; password: string }, attempt: Attempt): Promise<SignedIn>
  signOut(principal: AccountPrincipal, attempt: Attempt): Promise<void>
  signOutEverywhere(principal: AccountPrincipal, attempt: Attempt): Promise<void>

  readOwn(accountId: string): Promise<Versioned<AccountView>>
  readProfile(handle: string): Promise<PublicProfile>
  updateOwn(
    principal: AccountPrincipal,
    changes: ProfileChanges,
    expected: ExpectedVersion,
    attempt: Attempt,
  ): Promise<Versioned<AccountView>>
  deleteOwn(principal: AccountPrincipal, expected: ExpectedVersion, attempt: Attempt): Promise<void>

  createToken(
    principal: AccountPrincipal,
    input: { name: string; scopes: Scope[]; expiresAt: Date | null },
    attempt: Attempt,
  ): Promise<PersonalToken & { token: string }>
  listTokens(principal: AccountPrincipal): Promise<PersonalToken[]>
  deleteToken(principal: AccountPrincipal, id: string, attempt: Attempt): Promise<void>

  list(page: { limit: number; cursor: string | null }): Promise<AccountPage>
  update(
    handle: string,
    changes: ManagedChanges,
    expected: ExpectedVersion,
    attempt: Attempt,
  ): Promise<Versioned<ManagedAccountView>>
}

export function createAccounts(deps: AccountsDeps): Accounts {
  const now = deps.now ?? (() => new Date())
  const context: AccountContext = {
    db: deps.db,
    jobs: deps.jobs,
    passwords: deps.passwords ?? createPasswords(),
    limiters: deps.limiters ?? defaultLimiters(now),
    registration: deps.registration,
    storageLimit: deps.storageLimit,
    sessionDays: deps.sessionDays,
    issuersWithRoles: new Set(
      (deps.issuers ?? []).filter((issuer) => issuer.claims.role !== null).map((issuer) => issuer.issuer),
    ),
    avatarUrl: deps.avatarUrl ?? (async () => null),
    withdraw: deps.withdraw ?? (async () => undefined),
    now,
  }
  return {
    hasAccounts: () => hasAccounts(context.db),
    register: (input, attempt) => register(context, input, attempt),
    signIn: (input, attempt) => signIn(context, input, attempt),
    signOut: (principal, attempt) => signOut(context, principal, attempt),
    signOutEverywhere: (principal, attempt) => signOutEverywhere(context, principal, attempt),
    readOwn: (accountId) => readOwn(context, accountId),
    readProfile: (handle) => readProfile(context, handle),
    updateOwn: (principal, changes, expected, attempt) => updateOwn(context, principal, changes, expected, attempt),
    deleteOwn: (principal, expected, attempt) => deleteOwn(context, principal, expected, attempt),
    createToken: (principal, input, attempt) => createToken(context, principal, input, attempt),
    listTokens: (principal) => listTokens(context, principal),
    deleteToken: (principal, id, attempt) => deleteToken(context, principal, id, attempt),
    list: (page) => listAccounts(context, page),
    update: (handle, changes, expected, attempt) => updateAccount(context, handle, changes, expected, attempt),
  }
}

/** Generous to a household or an office behind one address, hopeless for guessing. */
function defaultLimiters(now: () => Date): AccountLimiters {
  return {
    register: createLimiter({ burst: 200, refillSeconds: 20, now }),
    signIn: createLimiter({ burst: 30, refillSeconds: 30, now }),
    signInNetwork: createLimiter({ burst: 300, refillSeconds: 2, now }),
  }
}
