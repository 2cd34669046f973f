/**
 * Who administers: the first account does, and never fewer than one. Whatever could break that (registering, demoting,
 * suspending, deleting) takes one advisory lock first, so that two first registrations, or two administrators who demote
 * each other, come one after the other. The lock is held for the few statements of such a transaction.
 */
import { sql } from 'kysely'
import type { Db, Tx } from '../engines/database/database.ts'
import { problems } from '../problem.ts'

/** To be the first statement of the transaction: what is read after it is what the one before committed. */
export async function lockAdministration(tx: Tx): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended('heliograph.administration', 0))`.execute(tx)
}

/** Accounts that wait to be deleted do not count: a server whose last account left is new again. */
export async function hasAccounts(db: Db | Tx): Promise<boolean> {
  const row = await db.selectFrom('account').select('id').where('deleted_at', 'is', null).limit(1).executeTakeFirst()
  return row !== undefined
}

/** Under the lock. Throws `conflict` when nobody but this account could administer. */
export async function requireAnotherAdministrator(tx: Tx, accountId: string): Promise<void> {
  const other = await tx
    .selectFrom('account')
    .select('id')
    .where('role', '=', 'administrator')
    .where('suspended_at', 'is', null)
    .where('deleted_at', 'is', null)
    .where('id', '!=', accountId)
    .limit(1)
    .executeTakeFirst()
  if (other === undefined) {
    throw problems.conflict('This is the last administrator. Make another account an administrator first.')
  }
}

/** Under the lock. */
export async function isOnlyAccount(tx: Tx, accountId: string): Promise<boolean> {
  const other = await tx
    .selectFrom('account')
    .select('id')
    .where('deleted_at', 'is', null)
    .where('id', '!=', accountId)
    .limit(1)
    .executeTakeFirst()
  return other === undefined
}
