import { type Kysely, sql } from 'kysely'

/** What the event streams of accounts say, in the order in which it became visible. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // One index beside the row: an event is written with every upload that ends.
  await sql`
    create table account_event (
      account_id uuid not null references account on delete cascade,
      transaction xid8 not null default pg_current_xact_id(),
      id bigint generated always as identity,
      type text not null check (type in ('asset.updated', 'upload.updated', 'notification')),
      resource_id text not null,
      state text not null,
      data jsonb check (octet_length(data::text) <= 4096),
      at timestamptz not null default now(),
      primary key (account_id, transaction, id)
    )`.execute(db)
  // Rows lie in the order of their time: a summary of each range of pages finds the old ones, and costs writers nothing.
  await sql`create index account_event_at on account_event using brin (at)`.execute(db)

  await sql`create table account_event_horizon (transaction xid8 not null)`.execute(db)
  await sql`create unique index account_event_horizon_only on account_event_horizon ((true))`.execute(db)
  await sql`insert into account_event_horizon values ('0')`.execute(db)
}
