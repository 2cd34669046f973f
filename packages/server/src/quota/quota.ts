/**
 * Storage quota, exact under any concurrency: `used + reserved ≤ limit` is the WHERE clause of the one UPDATE that
 * changes it, never a check before use. Callers pass the transaction in which the upload or asset changes, so the
 * numbers and the rows they count cannot part.
 */
import { type QueryCreator, type RawBuilder, sql } from 'kysely'
import type { Db, Tx } from '../engines/database/database.ts'
import type { Database } from '../engines/database/schema.ts'
import { type Problem, problems } from '../problem.ts'

export interface StorageUse {
  usedBytes: number
  reservedBytes: number
  limitBytes: number
}

export const quota = {
  async open(tx: Tx, accountId: string, limitBytes: number): Promise<void> {
    await tx.insertInto('storage_quota').values({ account_id: accountId, limit_bytes: limitBytes }).execute()
  },

  async read(db: Db | Tx, accountId: string): Promise<StorageUse> {
    const row = await db
      .selectFrom('storage_quota')
      .select(['used_bytes', 'reserved_bytes', 'limit_bytes'])
      .where('account_id', '=', accountId)
      .executeTakeFirstOrThrow()
    return { usedBytes: row.used_bytes, reservedBytes: row.reserved_bytes, limitBytes: row.limit_bytes }
  },

  /** For lists: the use of every one of these accounts, in one query. */
  async readMany(db: Db | Tx, accountIds: string[]): Promise<Map<string, StorageUse>> {
    if (accountIds.length === 0) return new Map()
    const rows = await db
      .selectFrom('storage_quota')
      .select(['account_id', 'used_bytes', 'reserved_bytes', 'limit_bytes'])
      .where('account_id', 'in', accountIds)
      .execute()
    return new Map(
      rows.map((row) => [
        row.account_id,
        { usedBytes: row.used_bytes, reservedBytes: row.reserved_bytes, limitBytes: row.limit_bytes },
      ]),
    )
  },

  /** Lowering it below what is used keeps everything and refuses more. */
  async setLimit(tx: Tx, accountId: string, limitBytes: number): Promise<void> {
    await tx.updateTable('storage_quota').set({ limit_bytes: limitBytes }).where('account_id', '=', accountId).execute()
  },

  /** Sets `bytes` aside, or throws `quota-exceeded` (413) and changes nothing. */
  async reserve(tx: Db | Tx, accountId: string, bytes: number): Promise<void> {
    const reserved = await quota.reserving(tx, accountId, bytes).executeTakeFirst()
    if (reserved === undefined) throw await quota.exceeded(tx, accountId, bytes)
  },

  /** The statement that reserves, to be part of a larger one: it returns `bytes`, or no row when they do not fit. */
  reserving(queries: Pick<QueryCreator<Database>, 'updateTable'>, accountId: string, bytes: number) {
    return queries
      .updateTable('storage_quota')
      .set({ reserved_bytes: sql`reserved_bytes + ${bytes}` })
      .where('account_id', '=', accountId)
      .where(sql<boolean>`used_bytes + reserved_bytes + ${bytes} <= limit_bytes`)
      .returning(sql<number>`${bytes}::bigint`.as('bytes'))
  },

  /**
   * The statement that settles a reservation which covers what is used, to be part of a larger one. The account comes from
   * the part that must be done before: the row of an account is locked last, here as everywhere.
   */
  settling(
    queries: Pick<QueryCreator<Database>, 'updateTable'>,
    accountId: RawBuilder<string>,
    reserved: number,
    used: number,
  ) {
    return queries
      .updateTable('storage_quota')
      .set({ reserved_bytes: sql`reserved_bytes - ${reserved}`, used_bytes: sql`used_bytes + ${used}` })
      .where('account_id', '=', accountId)
  },

  /**
   * Turns a reservation into use. `used` may differ from `reserved` (a stream of unknown length); only growth is
   * checked against the limit, so that settling what was reserved always succeeds.
   */
  async settle(tx: Tx, accountId: string, reserved: number, used: number): Promise<void> {
    const result = await tx
      .updateTable('storage_quota')
      .set({ reserved_bytes: sql`reserved_bytes - ${reserved}`, used_bytes: sql`used_bytes + ${used}` })
      .where('account_id', '=', accountId)
      .where(
        sql<boolean>`(${used}::bigint <= ${reserved}::bigint or used_bytes + reserved_bytes - ${reserved} + ${used} <= limit_bytes)`,
      )
      .executeTakeFirst()
    if (result.numUpdatedRows === 0n) throw await quota.exceeded(tx, accountId, used - reserved)
  },

  /** Gives a reservation back. */
  async release(tx: Tx, accountId: string, reserved: number): Promise<void> {
    if (reserved === 0) return
    await tx
      .updateTable('storage_quota')
      .set({ reserved_bytes: sql`reserved_bytes - ${reserved}` })
      .where('account_id', '=', accountId)
      .execute()
  },

  /** Returns the bytes of assets that are gone. */
  async refund(tx: Tx, accountId: string, used: number): Promise<void> {
    if (used === 0) return
    await tx
      .updateTable('storage_quota')
      .set({ used_bytes: sql`used_bytes - ${used}` })
      .where('account_id', '=', accountId)
      .execute()
  },

  /** The refusal, with what is needed and what is left. */
  async exceeded(db: Db | Tx, accountId: string, bytes: number): Promise<Problem> {
    const use = await quota.read(db, accountId)
    const left = Math.max(0, use.limitBytes - use.usedBytes - use.reservedBytes)
    return problems.quotaExceeded(
      `This needs ${bytes} bytes and ${left} are left of ${use.limitBytes}. Empty the trash or ask the administrator for more.`,
      { extensions: { neededBytes: bytes, availableBytes: left, limitBytes: use.limitBytes } },
    )
  },
}
