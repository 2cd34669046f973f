import { type Kysely, sql } from 'kysely'

/** Albums, who belongs to them, and the links by which they are shown to people without an account. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table album (
      id uuid primary key,
      owner_id uuid not null references account on delete cascade,
      title text not null check (char_length(title) between 1 and 200),
      description text check (char_length(description) <= 10000),
      cover_asset_id uuid references asset on delete set null,
      sort text not null default 'newest' check (sort in ('newest', 'oldest', 'custom')),
      share_location boolean not null default false,
      version integer not null default 1,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    )`.execute(db)
  await sql`create index album_owner on album (owner_id)`.execute(db)
  await sql`create index album_cover on album (cover_asset_id) where cover_asset_id is not null`.execute(db)

  // Who added it: a guest who came by a link has no account, and what they bring belongs to the owner of the album.
  await sql`
    create table album_asset (
      album_id uuid not null references album on delete cascade,
      asset_id uuid not null references asset on delete cascade,
      added_by uuid references account on delete set null,
      position double precision not null,
      added_at timestamptz not null default now(),
      primary key (album_id, asset_id)
    )`.execute(db)
  await sql`create index album_asset_asset on album_asset (asset_id)`.execute(db)

  await sql`
    create table album_member (
      album_id uuid not null references album on delete cascade,
      account_id uuid not null references account on delete cascade,
      role text not null check (role in ('viewer', 'contributor')),
      added_at timestamptz not null default now(),
      primary key (album_id, account_id)
    )`.execute(db)
  await sql`create index album_member_account on album_member (account_id)`.execute(db)

  // The token is kept as it is, since its owner is shown the link again and revokes it by its token.
  await sql`
    create table album_link (
      id uuid primary key,
      album_id uuid not null references album on delete cascade,
      token text not null check (char_length(token) >= 22),
      password_hash text,
      expires_at timestamptz,
      allow_download boolean not null default true,
      allow_upload boolean not null default false,
      show_location boolean not null default false,
      created_at timestamptz not null default now()
    )`.execute(db)
  await sql`create unique index album_link_token on album_link (token)`.execute(db)
  await sql`create index album_link_album on album_link (album_id)`.execute(db)

  // The link through which a guest uploads; null for everybody else. Not a foreign key: what came by a link that is gone
  // must not pass for an upload of the owner's own.
  await sql`alter table upload add column link_id uuid`.execute(db)
  await sql`create index upload_link on upload (link_id) where link_id is not null`.execute(db)
  // What a guest sends may be in the library already, which they must not learn: it is kept a second time.
  await sql`create index asset_duplicate on asset (owner_id, sha256) where is_duplicate`.execute(db)
}
