import { type Kysely, sql } from 'kysely'

/**
 * An album is read in the order in which its photos were taken, and counted, without a look at the photos: each row of
 * `album_asset` says when its asset was captured and whether it shows. Triggers keep that true, so that no code that
 * trashes, restores, dates or joins an asset can forget it. Those who add hold the asset meanwhile (`for share`): what
 * changes it comes before, and is seen, or after, and finds the new row.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table album_asset
      add column captured_at timestamptz,
      add column visible boolean`.execute(db)
  await sql`
    update album_asset set captured_at = asset.captured_at, visible = asset.trashed_at is null and asset.motion_of is null
    from asset where asset.id = album_asset.asset_id`.execute(db)
  await sql`
    alter table album_asset
      alter column captured_at set not null,
      alter column visible set not null`.execute(db)

  await sql`
    create function album_asset_describe() returns trigger language plpgsql as $$
    begin
      select asset.captured_at, asset.trashed_at is null and asset.motion_of is null
      into new.captured_at, new.visible
      from asset where asset.id = new.asset_id for share;
      -- The asset is gone: the foreign key says so next.
      if not found then new.captured_at := now(); new.visible := false; end if;
      return new;
    end $$`.execute(db)
  await sql`
    create trigger album_asset_describe before insert on album_asset
    for each row execute function album_asset_describe()`.execute(db)

  await sql`
    create function album_asset_follow() returns trigger language plpgsql as $$
    begin
      update album_asset
      set captured_at = new.captured_at, visible = new.trashed_at is null and new.motion_of is null
      where asset_id = new.id;
      return null;
    end $$`.execute(db)
  await sql`
    create trigger album_asset_follow after update of captured_at, trashed_at, motion_of on asset
    for each row when (
      old.captured_at is distinct from new.captured_at
      or (old.trashed_at is null) <> (new.trashed_at is null)
      or (old.motion_of is null) <> (new.motion_of is null)
    ) execute function album_asset_follow()`.execute(db)

  await sql`create index album_asset_captured on album_asset (album_id, captured_at, asset_id) where visible`.execute(
    db,
  )
  await sql`create index album_asset_position on album_asset (album_id, position, asset_id)`.execute(db)
}
