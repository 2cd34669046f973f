import { type Kysely, sql } from 'kysely'

/**
 * The timeline: when an asset was taken by the clock of the place, and how many there are of each month.
 *
 * Counting 200,000 rows for each look takes 60 ms, so counts are kept. Whatever changes an asset leaves a row in
 * `timeline_change` in its own transaction: it is only ever inserted into, so that uploads of one account that end at once
 * wait for nobody. A job folds the rows into `timeline_month`. The sum of both is exact at every instant.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  // Held between the years that a month can be named in; its type knows no zone, as the clock does not.
  await sql`
    alter table asset
      add column taken_at timestamp not null generated always as (
        least(
          greatest(
            (captured_at at time zone 'UTC') + make_interval(mins => coalesce(captured_offset, 0)),
            timestamp '0001-01-01 00:00:00'
          ),
          timestamp '9999-12-31 23:59:59.999'
        )
      ) stored`.execute(db)
  // A month is found by its ends, and skipping to a place within one reads the index alone, also of one kind.
  await sql`
    create index asset_timeline on asset (owner_id, taken_at desc, id desc) include (kind)
    where trashed_at is null and purpose = 'library' and motion_of is null`.execute(db)
  // Among 200,000 photos a few favourites or videos are not to be looked for one by one.
  await sql`
    create index asset_favorite on asset (owner_id, captured_at desc, id desc)
    where favorite and trashed_at is null`.execute(db)
  await sql`
    create index asset_video on asset (owner_id, captured_at desc, id desc)
    where kind = 'video' and trashed_at is null`.execute(db)
  // An index is read alone only where vacuum has been since the last change: let it come more often than by default.
  await sql`
    alter table asset set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05)`.execute(
    db,
  )

  // A batch that is folded may hold a removal and not yet the addition before it, so a count may be below nought for a moment.
  const counts = sql`
      images integer not null,
      videos integer not null,
      favorite_images integer not null,
      favorite_videos integer not null`
  await sql`
    create table timeline_month (
      owner_id uuid not null references account on delete cascade,
      month date not null check (extract(day from month) = 1),
      ${counts},
      changes bigint not null check (changes > 0),
      primary key (owner_id, month)
    )`.execute(db)
  // No reference: to check it would cost each upload more than its row. What an account leaves is dropped when folding.
  await sql`
    create table timeline_change (
      owner_id uuid not null,
      month date not null,
      ${counts},
      changes bigint not null default 1
    )`.execute(db)
  await sql`create index timeline_change_month on timeline_change (owner_id, month)`.execute(db)

  await createTriggers(db)
  await sql`
    insert into timeline_month (owner_id, month, images, videos, favorite_images, favorite_videos, changes)
    select owner_id, date_trunc('month', taken_at)::date,
           count(*) filter (where kind = 'image'),
           count(*) filter (where kind = 'video'),
           count(*) filter (where kind = 'image' and favorite),
           count(*) filter (where kind = 'video' and favorite),
           1
    from asset where trashed_at is null and purpose = 'library' and motion_of is null
    group by 1, 2`.execute(db)
}

/**
 * One call a row rather than one a statement: nearly all statements change one asset, a transition table costs each of them
 * more than the row it leaves, and only such triggers have a condition, so that a change that shows nowhere costs nothing.
 */
async function createTriggers(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function timeline_note() returns trigger language plpgsql as $$
    declare
      was_shown boolean := tg_op <> 'INSERT' and old.trashed_at is null and old.purpose = 'library' and old.motion_of is null;
      is_shown boolean := tg_op <> 'DELETE' and new.trashed_at is null and new.purpose = 'library' and new.motion_of is null;
    begin
      if was_shown and is_shown and old.owner_id = new.owner_id
         and date_trunc('month', old.taken_at) = date_trunc('month', new.taken_at) then
        insert into timeline_change (owner_id, month, images, videos, favorite_images, favorite_videos)
        values (
          new.owner_id, date_trunc('month', new.taken_at),
          (new.kind = 'image')::integer - (old.kind = 'image')::integer,
          (new.kind = 'video')::integer - (old.kind = 'video')::integer,
          (new.kind = 'image' and new.favorite)::integer - (old.kind = 'image' and old.favorite)::integer,
          (new.kind = 'video' and new.favorite)::integer - (old.kind = 'video' and old.favorite)::integer
        );
      else
        if was_shown then
          insert into timeline_change (owner_id, month, images, videos, favorite_images, favorite_videos)
          values (
            old.owner_id, date_trunc('month', old.taken_at),
            -(old.kind = 'image')::integer, -(old.kind = 'video')::integer,
            -(old.kind = 'image' and old.favorite)::integer, -(old.kind = 'video' and old.favorite)::integer
          );
        end if;
        if is_shown then
          insert into timeline_change (owner_id, month, images, videos, favorite_images, favorite_videos)
          values (
            new.owner_id, date_trunc('month', new.taken_at),
            (new.kind = 'image')::integer, (new.kind = 'video')::integer,
            (new.kind = 'image' and new.favorite)::integer, (new.kind = 'video' and new.favorite)::integer
          );
        end if;
      end if;
      return null;
    end $$`.execute(db)
  // A photo shows whether it moves. Whoever joins it with its video, or parts them, holds its row.
  await sql`
    create function timeline_note_motion() returns trigger language plpgsql as $$
    begin
      insert into timeline_change (owner_id, month, images, videos, favorite_images, favorite_videos)
      select photo.owner_id, date_trunc('month', photo.taken_at), 0, 0, 0, 0
      from asset as photo
      where photo.id in (old.motion_of, case when tg_op = 'UPDATE' then new.motion_of end)
        and photo.trashed_at is null and photo.purpose = 'library' and photo.motion_of is null;
      return null;
    end $$`.execute(db)
  await sql`
    create trigger timeline_note_insert after insert on asset
    for each row when (new.trashed_at is null and new.purpose = 'library' and new.motion_of is null)
    execute function timeline_note()`.execute(db)
  // What a client is shown of an asset changes with its version; the other columns are those that are counted by.
  await sql`
    create trigger timeline_note_update after update on asset
    for each row when (
      old.purpose = 'library' and (
        old.version <> new.version
        or old.taken_at <> new.taken_at
        or old.favorite <> new.favorite
        or (old.trashed_at is null) <> (new.trashed_at is null)
        or old.motion_of is distinct from new.motion_of
        or old.kind <> new.kind
        or old.owner_id <> new.owner_id
      )
      or old.purpose <> new.purpose
    ) execute function timeline_note()`.execute(db)
  await sql`
    create trigger timeline_note_delete after delete on asset
    for each row when (old.trashed_at is null and old.purpose = 'library' and old.motion_of is null)
    execute function timeline_note()`.execute(db)
  await sql`
    create trigger timeline_note_motion_update after update of motion_of on asset
    for each row when (old.motion_of is distinct from new.motion_of)
    execute function timeline_note_motion()`.execute(db)
  await sql`
    create trigger timeline_note_motion_delete after delete on asset
    for each row when (old.motion_of is not null)
    execute function timeline_note_motion()`.execute(db)
}
