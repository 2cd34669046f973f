/** Reads what was published, in an order that transactions which commit late cannot disturb. */
import { sql } from 'kysely'
import type { Db } from '../engines/database/database.ts'
import type { AccountEventType } from '../engines/database/schema.ts'
import { compare, type Position } from './position.ts'

/** Where the journal stands in one snapshot. */
export interface Horizon {
  /** The oldest transaction that still writes, anywhere in the cluster: nothing can appear before it any more. */
  safe: bigint
  /** Events of this transaction and older ones may have been removed for their age. */
  removed: bigint
}

export interface JournalEvent {
  position: Position
  type: AccountEventType
  id: string
  state: string
  data: Record<string, unknown> | null
}

/** What the stream of an account says after a position. */
export interface Page {
  events: JournalEvent[]
  /** Everything up to here is in `events`. */
  position: Position
  /** There is more, to be had at once. */
  isFull: boolean
  /** There is more, but an older transaction still runs that may have something to say first. */
  isHeldBack: boolean
}

/** Events of one account in one page. */
export const pageSize = 100

export interface Reading extends Horizon {
  pages: Map<string, Page>
}

/** The next transaction to begin will be `next` or later. */
export async function findHorizon(db: Db): Promise<Horizon & { next: bigint }> {
  const { rows } = await sql<{ safe: string; next: string; removed: string }>`
    select pg_snapshot_xmin(pg_current_snapshot()) as safe, pg_snapshot_xmax(pg_current_snapshot()) as next,
      transaction as removed
    from account_event_horizon`.execute(db)
  const row = rows[0] ?? missingHorizon()
  return { safe: BigInt(row.safe), next: BigInt(row.next), removed: BigInt(row.removed) }
}

/** One page for each of these accounts, in one statement and so in one snapshot. */
export async function readPages(db: Db, wanted: ReadonlyMap<string, Position>): Promise<Reading> {
  const positions = [...wanted.values()]
  const { rows } = await sql<{
    safe: string
    removed: string
    account_id: string | null
    transaction: string
    id: number
    type: AccountEventType
    resource_id: string
    state: string
    data: Record<string, unknown> | null
  }>`
    select horizon.safe, horizon.removed, event.*
    from (
      select pg_snapshot_xmin(pg_current_snapshot()) as safe, transaction as removed from account_event_horizon
    ) as horizon
    left join (
      select found.*
      from unnest(
        ${[...wanted.keys()]}::uuid[], ${positions.map(({ transaction }) => `${transaction}`)}::xid8[],
        ${positions.map(({ id }) => id)}::bigint[]
      ) as wanted (account_id, transaction, id)
      cross join lateral (
        select account_id, transaction, id, type, resource_id, state, data
        from account_event
        where account_id = wanted.account_id and (transaction, id) > (wanted.transaction, wanted.id)
        order by transaction, id
        limit ${sql.lit(pageSize)}
      ) as found
    ) as event on true
    order by event.account_id, event.transaction, event.id`.execute(db)

  const first = rows[0] ?? missingHorizon()
  const safe = BigInt(first.safe)
  const found = new Map<string, JournalEvent[]>()
  for (const row of rows) {
    if (row.account_id === null) continue
    const events = found.get(row.account_id) ?? []
    found.set(row.account_id, events)
    events.push({
      position: { transaction: BigInt(row.transaction), id: row.id },
      type: row.type,
      id: row.resource_id,
      state: row.state,
      data: row.data,
    })
  }
  const pages = [...wanted].map(
    ([accountId, from]) => [accountId, toPage(found.get(accountId) ?? [], from, safe)] as const,
  )
  return { safe, removed: BigInt(first.removed), pages: new Map(pages) }
}

function toPage(found: JournalEvent[], from: Position, safe: bigint): Page {
  const events = found.filter(({ position }) => position.transaction < safe)
  const isHeldBack = events.length < found.length
  const isFull = !isHeldBack && found.length === pageSize
  const end = isFull ? (events.at(-1)?.position ?? from) : { transaction: safe, id: 0 }
  // Another snapshot may have seen further than this one.
  return { events, position: compare(end, from) < 0 ? from : end, isFull, isHeldBack }
}

function missingHorizon(): never {
  throw new Error('The table account_event_horizon has lost its row')
}
