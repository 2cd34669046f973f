import { type Kysely, sql } from 'kysely'

/** Accounts, quota, uploads, assets, the deletion outbox and history. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table account (
      id uuid primary key,
      handle text not null check (handle = lower(handle) and handle ~ '^[a-z0-9][a-z0-9_.-]{0,38}$'),
      email text check (email = lower(email)),
      name text not null,
      password_hash text,
      role text not null default 'member' check (role in ('member', 'administrator')),
      avatar_asset_id uuid,
      issuer text,
      subject text,
      suspended_at timestamptz,
      deleted_at timestamptz,
      version integer not null default 1,
      created_at timestamptz not null default now(),
      check ((issuer is null) = (subject is null))
    )`.execute(db)
  await sql`create unique index account_handle on account (handle)`.execute(db)
  await sql`create unique index account_email on account (email)`.execute(db)
  await sql`create unique index account_subject on account (issuer, subject) where issuer is not null`.execute(db)

  // One narrow row an account: every reservation updates it, so nothing else shares its lock.
  await sql`
    create table storage_quota (
      account_id uuid primary key references account on delete cascade,
      limit_bytes bigint not null check (limit_bytes >= 0),
      used_bytes bigint not null default 0 check (used_bytes >= 0),
      reserved_bytes bigint not null default 0 check (reserved_bytes >= 0)
    ) with (fillfactor = 50)`.execute(db)

  await sql`
    create table access_token (
      id uuid primary key,
      account_id uuid not null references account on delete cascade,
      kind text not null check (kind in ('session', 'personal')),
      name text,
      secret_hash bytea not null check (octet_length(secret_hash) = 32),
      scopes text[] not null,
      expires_at timestamptz,
      created_at timestamptz not null default now()
    )`.execute(db)
  await sql`create unique index access_token_secret on access_token (secret_hash)`.execute(db)
  await sql`create index access_token_account on access_token (account_id)`.execute(db)

  await sql`
    create table upload (
      id uuid primary key,
      owner_id uuid not null references account,
      state text not null default 'uploading' check (state in ('uploading', 'completed', 'aborted', 'expired')),
      protocol text not null check (protocol in ('direct', 'stream', 'tus', 'uppy')),
      purpose text not null check (purpose in ('library', 'post', 'avatar')),
      object_key text not null,
      filename text not null,
      content_type text not null,
      size bigint check (size > 0),
      reserved_bytes bigint not null default 0 check (reserved_bytes >= 0),
      sha256 bytea check (octet_length(sha256) = 32),
      album_id uuid,
      captured_at timestamptz,
      store_upload_id text,
      part_size bigint,
      part_count integer,
      asset_id uuid,
      failure text,
      grants_until timestamptz,
      expires_at timestamptz not null,
      created_at timestamptz not null default now(),
      finished_at timestamptz,
      check (state = 'uploading' or reserved_bytes = 0),
      check ((state = 'completed') = (asset_id is not null)),
      check ((state = 'uploading') = (finished_at is null))
    )`.execute(db)
  await sql`create unique index upload_object_key on upload (object_key)`.execute(db)
  await sql`create index upload_expiry on upload (expires_at) where state = 'uploading'`.execute(db)
  await sql`create index upload_owner on upload (owner_id, id)`.execute(db)

  await sql`
    create table upload_lease (
      upload_id uuid primary key references upload on delete cascade,
      holder uuid not null,
      release_requested boolean not null default false,
      expires_at timestamptz not null
    )`.execute(db)

  await sql`
    create table asset (
      id uuid primary key,
      owner_id uuid not null references account,
      upload_id uuid not null,
      kind text not null check (kind in ('image', 'video')),
      state text not null default 'processing' check (state in ('processing', 'ready', 'failed')),
      failure text,
      purpose text not null check (purpose in ('library', 'post', 'avatar')),
      object_key text not null,
      filename text not null,
      content_type text not null,
      size bigint not null check (size > 0),
      sha256 bytea check (octet_length(sha256) = 32),
      is_duplicate boolean not null default false,
      width integer,
      height integer,
      duration double precision,
      captured_at timestamptz not null,
      latitude double precision check (latitude between -90 and 90),
      longitude double precision check (longitude between -180 and 180),
      camera text,
      thumbhash bytea,
      favorite boolean not null default false,
      description text,
      grants_until timestamptz,
      uploaded_at timestamptz not null default now(),
      trashed_at timestamptz,
      version integer not null default 1,
      check ((latitude is null) = (longitude is null)),
      check ((state = 'failed') = (failure is not null))
    )`.execute(db)
  await sql`create unique index asset_object_key on asset (object_key)`.execute(db)
  // Deduplication is this index, not a look-up: two uploads of one file that complete at once make one asset.
  await sql`create unique index asset_content on asset (owner_id, sha256) where not is_duplicate`.execute(db)
  await sql`create index asset_library on asset (owner_id, captured_at desc, id desc) where trashed_at is null`.execute(
    db,
  )
  await sql`create index asset_trash on asset (owner_id, trashed_at desc, id desc) where trashed_at is not null`.execute(
    db,
  )

  await sql`
    create table object_deletion (
      object_key text primary key,
      store_upload_id text,
      reason text not null,
      attempts integer not null default 0,
      due_at timestamptz not null default now(),
      sweep_until timestamptz not null default now(),
      created_at timestamptz not null default now()
    )`.execute(db)
  await sql`create index object_deletion_due on object_deletion (due_at)`.execute(db)

  await sql`
    create table history_event (
      id uuid primary key,
      at timestamptz not null default now(),
      actor_id uuid,
      action text not null,
      object_type text,
      object_id text,
      size bigint,
      content_type text,
      network cidr,
      protocol text not null,
      endpoint text,
      phases jsonb not null default '{}',
      outcome text not null check (outcome in ('success', 'failure')),
      error_class text,
      attempt integer not null default 1,
      check ((outcome = 'failure') = (error_class is not null))
    )`.execute(db)
  await sql`create index history_event_actor on history_event (actor_id, at desc, id desc)`.execute(db)
  await sql`create index history_event_at on history_event (at desc, id desc)`.execute(db)

  await sql`
    create table idempotency_key (
      key_hash bytea primary key,
      request_hash bytea not null,
      status integer,
      body bytea,
      created_at timestamptz not null default now()
    )`.execute(db)
  await sql`create index idempotency_key_age on idempotency_key (created_at)`.execute(db)
}
