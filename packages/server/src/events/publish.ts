/**
 * Writes events in the transaction that makes them true, so that one exists exactly when its change committed, and wakes
 * the processes that have streams of the account when it does.
 *
 * `NOTIFY` lets commits that use it pass one at a time, in the whole cluster. Each job that is enqueued does so already;
 * what commits thousands of times a second without a job should gather its events.
 */
import { type QueryCreator, sql } from 'kysely'
import type { Db, Tx } from '../engines/database/database.ts'
import type { AccountEventType, Database } from '../engines/database/schema.ts'

/** Notifications on this channel carry the id of an account that has new events. */
export const wakeChannel = 'heliograph_events'

export interface AccountEvent {
  /** Whose stream it appears in. */
  accountId: string
  type: AccountEventType
  /** Of the asset, upload or notification. */
  id: string
  /** The state it has now. */
  state: string
  /** What saves the client a request; at most 4096 bytes as JSON. */
  data?: Record<string, unknown>
}

export async function publishEvents(tx: Tx | Db, events: AccountEvent[]): Promise<void> {
  if (events.length === 0) return
  // Arrays, so that any number of events is one statement with one text.
  await sql`
    with published as (
      insert into account_event (account_id, type, resource_id, state, data)
      select account_id, type, resource_id, state, data::jsonb
      from unnest(
        ${events.map((event) => event.accountId)}::uuid[], ${events.map((event) => event.type)}::text[],
        ${events.map((event) => event.id)}::text[], ${events.map((event) => event.state)}::text[],
        ${events.map((event) => dataOf(event))}::text[]
      ) as event (account_id, type, resource_id, state, data)
      returning account_id
    )
    select pg_notify(${wakeChannel}, account_id::text) from (select distinct account_id from published) as account`.execute(
    tx,
  )
}

/** The statement that publishes one event, to be part of a larger one. */
export function publishing(queries: Pick<QueryCreator<Database>, 'insertInto'>, event: AccountEvent) {
  return queries
    .insertInto('account_event')
    .values({
      account_id: event.accountId,
      type: event.type,
      resource_id: event.id,
      state: event.state,
      data: dataOf(event),
    })
    .returning(sql`pg_notify(${wakeChannel}, ${event.accountId}::text)`.as('woken'))
}

function dataOf(event: AccountEvent): string | null {
  return event.data === undefined ? null : JSON.stringify(event.data)
}
