/**
 * A transaction that is run again when Postgres ended it to break a deadlock. Those that lock rows of several tables keep to
 * one order as far as they can; what foreign keys and triggers lock behind their backs is left, and is rare.
 */
import pg from 'pg'
import type { Db, Tx } from './database.ts'

const tries = 5

/** `work` must do nothing but ask this transaction: it may run several times. */
export async function transact<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  for (let left = tries; ; left -= 1) {
    try {
      return await db.transaction().execute(work)
    } catch (error) {
      if (left <= 1 || !isDeadlock(error)) throw error
    }
  }
}

/** SQLSTATE, Postgres appendix A. */
function isDeadlock(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '40P01'
}
