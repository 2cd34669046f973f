/** What every part of the accounts is given by `createAccounts`, and the row they work on. */
import type { Selectable } from 'kysely'
import type { Db, Tx } from '../engines/database/database.ts'
import type { AccountTable } from '../engines/database/schema.ts'
import type { Jobs } from '../engines/jobs/jobs.ts'
import type { Limiter } from './limiter.ts'
import type { Passwords } from './password.ts'

export type AccountRow = Selectable<AccountTable>
export type Role = AccountRow['role']

export interface AccountContext {
  db: Db
  jobs: Jobs
  passwords: Passwords
  limiters: AccountLimiters
  registration: 'open' | 'closed'
  /** Bytes a new account may store. */
  storageLimit: number
  sessionDays: number
  /** Issuers whose tokens say who is an administrator; it cannot be changed here. */
  issuersWithRoles: ReadonlySet<string>
  /** Public URL of an avatar, null while there is none to show. */
  avatarUrl: (assetId: string) => Promise<string | null>
  /** In the transaction that ends an account: what others must not see of it from then on. */
  withdraw: (tx: Tx, accountId: string) => Promise<void>
  now: () => Date
}

export interface AccountLimiters {
  /** By network. */
  register: Limiter
  /** By network and e-mail: guessing from one network locks nobody out on another. */
  signIn: Limiter
  /** By network: trying one password on many accounts. */
  signInNetwork: Limiter
}
