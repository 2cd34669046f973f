/** What administrators do with the accounts of others. */
import { type Attempt, type HistoryEvent, history } from '../history/index.ts'
import { problems } from '../problem.ts'
import { quota } from '../quota/index.ts'
import { lockAdministration, requireAnotherAdministrator } from './administrators.ts'
import { recordFailure } from './attempts.ts'
import type { AccountContext, AccountRow, Role } from './context.ts'
import { type ExpectedVersion, requireVersion } from './version.ts'
import { type ManagedAccountView, type Versioned, viewManagedAccount } from './view.ts'

export interface AccountPage {
  items: ManagedAccountView[]
  nextCursor: string | null
}

/** What is absent stays as it is. */
export interface ManagedChanges {
  role?: Role | undefined
  storageLimitBytes?: number | undefined
  suspended?: boolean | undefined
}

/** In the order they registered. `cursor` is the `nextCursor` of the page before. */
export async function listAccounts(
  context: AccountContext,
  page: { limit: number; cursor: string | null },
): Promise<AccountPage> {
  const after = page.cursor === null ? null : parseCursor(page.cursor)
  const rows = await context.db
    .selectFrom('account')
    .selectAll()
    .where('deleted_at', 'is', null)
    .$if(after !== null, (query) => query.where('id', '>', after))
    .orderBy('id')
    .limit(page.limit + 1)
    .execute()
  const shown = rows.slice(0, page.limit)
  const storage = await quota.readMany(
    context.db,
    shown.map((row) => row.id),
  )
  const items: ManagedAccountView[] = []
  for (const row of shown) {
    const use = storage.get(row.id)
    // The row went between the two reads.
    if (use !== undefined) items.push(await viewManagedAccount(context, row, use))
  }
  const last = shown.at(-1)
  return { items, nextCursor: rows.length > page.limit && last !== undefined ? makeCursor(last.id) : null }
}

/**
 * Suspending refuses all tokens of the account from the next request on, everywhere, as they are checked against the
 * row. Throws `conflict` for the last administrator and for a role that an issuer decides, `not-found`,
 * `precondition-failed`.
 */
export async function updateAccount(
  context: AccountContext,
  handle: string,
  changes: ManagedChanges,
  expected: ExpectedVersion,
  attempt: Attempt,
): Promise<Versioned<ManagedAccountView>> {
  const event: HistoryEvent = { action: 'account.update', objectType: 'account' }
  return recordFailure(context.db, attempt, event, () =>
    context.db.transaction().execute(async (tx) => {
      await lockAdministration(tx)
      const row = await tx
        .selectFrom('account')
        .selectAll()
        .where('handle', '=', handle.toLowerCase())
        .where('deleted_at', 'is', null)
        .forNoKeyUpdate()
        .executeTakeFirst()
      if (row === undefined) throw problems.notFound('Nobody here has this handle.')
      event.objectId = row.id
      requireVersion(expected, row.version)
      if (changes.role !== undefined && row.issuer !== null && context.issuersWithRoles.has(row.issuer)) {
        throw problems.conflict('The issuer of this account decides its role.')
      }
      if (administers(row) && (changes.role === 'member' || changes.suspended === true)) {
        await requireAnotherAdministrator(tx, row.id)
      }
      const updated = await tx
        .updateTable('account')
        .set((expression) => ({
          version: expression('version', '+', 1),
          ...(changes.role === undefined ? {} : { role: changes.role }),
          ...(changes.suspended === undefined
            ? {}
            : { suspended_at: changes.suspended ? (row.suspended_at ?? context.now()) : null }),
        }))
        .where('id', '=', row.id)
        .returningAll()
        .executeTakeFirstOrThrow()
      if (changes.storageLimitBytes !== undefined) await quota.setLimit(tx, row.id, changes.storageLimitBytes)
      await history.record(tx, attempt, event)
      const view = await viewManagedAccount(context, updated, await quota.read(tx, row.id))
      return { view, version: updated.version }
    }),
  )
}

function administers(row: AccountRow): boolean {
  return row.role === 'administrator' && row.suspended_at === null
}

function makeCursor(id: string): string {
  return Buffer.from(id).toString('base64url')
}

function parseCursor(cursor: string): string {
  const id = Buffer.from(cursor, 'base64url').toString()
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) {
    throw problems.invalidRequest('The cursor is none that this server gave out.', {
      errors: [{ path: '/query/cursor', message: 'must be the nextCursor of the page before' }],
    })
  }
  return id
}
