import { type Kysely, sql } from 'kysely'

/** What is made of originals, and what their metadata says. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // No cascade: whoever removes an asset must give up the objects of its renditions, and is stopped here if it forgets.
  await sql`
    create table rendition (
      asset_id uuid not null references asset,
      name text not null check (name ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
      object_key text not null,
      content_type text not null,
      size bigint not null check (size > 0),
      width integer check (width > 0),
      height integer check (height > 0),
      duration double precision,
      detail jsonb,
      recipe integer not null,
      made_at timestamptz not null default now(),
      primary key (asset_id, name)
    )`.execute(db)
  await sql`create unique index rendition_object_key on rendition (object_key)`.execute(db)
  await sql`create index rendition_public on rendition (asset_id) where name = 'public'`.execute(db)

  await sql`
    alter table asset
      add column recipe integer,
      add column pending text[] not null default '{}',
      add column captured_by text not null default 'upload' check (captured_by in ('upload', 'metadata', 'person')),
      add column captured_offset integer check (captured_offset between -1440 and 1440),
      add column lens text,
      add column exposure jsonb,
      add column animated boolean not null default false,
      add column holds_location boolean not null default true,
      add column content_identifier text,
      add column motion_of uuid references asset`.execute(db)
  await sql`create unique index asset_motion_of on asset (motion_of) where motion_of is not null`.execute(db)
  await sql`
    create index asset_content_identifier on asset (owner_id, content_identifier)
    where content_identifier is not null`.execute(db)
  // What heliograph renditions --missing looks for.
  await sql`create index asset_unprocessed on asset (recipe nulls first, id)`.execute(db)
}
