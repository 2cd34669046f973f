/** Accounts as the API shows them. */

import type { Db, Tx } from '../engines/database/database.ts'
import { quota, type StorageUse } from '../quota/index.ts'
import type { AccountContext, AccountRow, Role } from './context.ts'

export interface AccountView {
  id: string
  handle: string
  name: string
  email: string | null
  avatarUrl: string | null
  role: Role
  storage: StorageUse
}

/** What an administrator sees of an account. */
export interface ManagedAccountView extends AccountView {
  suspended: boolean
  createdAt: string
}

export interface PublicProfile {
  handle: string
  name: string
  avatarUrl: string | null
  counts: { posts: number; followers: number; following: number }
}

/** A view and the row version behind it, for its `ETag`. */
export interface Versioned<T> {
  view: T
  version: number
}

export async function viewAccount(
  context: AccountContext,
  db: Db | Tx,
  row: AccountRow,
): Promise<Versioned<AccountView>> {
  return { view: await toView(context, row, await quota.read(db, row.id)), version: row.version }
}

export async function viewManagedAccount(
  context: AccountContext,
  row: AccountRow,
  storage: StorageUse,
): Promise<ManagedAccountView> {
  return {
    ...(await toView(context, row, storage)),
    suspended: row.suspended_at !== null,
    createdAt: row.created_at.toISOString(),
  }
}

/** Nothing can be posted or followed yet, so the counts are nought. */
export async function viewProfile(context: AccountContext, row: AccountRow): Promise<PublicProfile> {
  return {
    handle: row.handle,
    name: row.name,
    avatarUrl: await avatarOf(context, row),
    counts: { posts: 0, followers: 0, following: 0 },
  }
}

async function toView(context: AccountContext, row: AccountRow, storage: StorageUse): Promise<AccountView> {
  return {
    id: row.id,
    handle: row.handle,
    name: row.name,
    email: row.email,
    avatarUrl: await avatarOf(context, row),
    role: row.role,
    storage,
  }
}

async function avatarOf(context: AccountContext, row: AccountRow): Promise<string | null> {
  return row.avatar_asset_id === null ? null : context.avatarUrl(row.avatar_asset_id)
}
