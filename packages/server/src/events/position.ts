/**
 * A place in the stream of an account. Sequence numbers are given out before transactions commit and become visible in
 * another order, so a place is not a number that was seen but a line drawn: everything of transactions before
 * `transaction` has been seen, and of that one everything up to `id`.
 *
 * The line never passes the oldest transaction that still writes (`pg_snapshot_xmin`), below which nothing can appear any
 * more.
 */
export interface Position {
  /** `xid8` of Postgres: 64 bits, never reused. */
  transaction: bigint
  /** 0 for none of it. */
  id: number
}

/** The line before everything of a transaction. */
export function before(transaction: bigint): Position {
  return { transaction, id: 0 }
}

/** Negative when `a` comes first. */
export function compare(a: Position, b: Position): number {
  if (a.transaction !== b.transaction) return a.transaction < b.transaction ? -1 : 1
  return a.id - b.id
}

/** The id of a server-sent event. Opaque to clients. */
export function formatPosition({ transaction, id }: Position): string {
  return `${transaction}-${id}`
}

/** Null for what this server never gave out. */
export function parsePosition(text: string): Position | null {
  const [, transaction, id] = /^(\d{1,20})-(\d{1,15})$/.exec(text) ?? []
  return transaction === undefined || id === undefined ? null : { transaction: BigInt(transaction), id: Number(id) }
}
