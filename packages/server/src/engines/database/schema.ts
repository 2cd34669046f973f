/** The tables as Kysely sees them. `migrations/` is the truth; `schema.test.ts` compares the two. */
import type { ColumnType, Generated } from 'kysely'

type Timestamp = ColumnType<Date, Date | string, Date | string>
type OptionalTimestamp = ColumnType<Date | null, Date | string | null | undefined, Date | string | null>
type DefaultTimestamp = ColumnType<Date, Date | string | undefined, Date | string>
/** bigint columns are read as numbers: sizes stay below 2^53 bytes. */
type Bytes = ColumnType<number, number, number>
type DefaultBytes = ColumnType<number, number | undefined, number>
type Json<T> = ColumnType<T, string, string>
type Optional<T> = ColumnType<T | null, T | null | undefined, T | null>

export interface AccountTable {
  id: string
  handle: string
  /** Lower case. Null for an external identity whose issuer states none, or one that another account here already has. */
  email: Optional<string>
  name: string
  /** PHC string of argon2id; null for accounts known only through an external issuer. */
  password_hash: Optional<string>
  role: ColumnType<'member' | 'administrator', 'member' | 'administrator' | undefined, 'member' | 'administrator'>
  avatar_asset_id: Optional<string>
  /** `iss` and `sub` of the external identity, null for local accounts. */
  issuer: Optional<string>
  subject: Optional<string>
  suspended_at: OptionalTimestamp
  /** Set when deletion was asked for; jobs remove the rest. */
  deleted_at: OptionalTimestamp
  version: Generated<number>
  created_at: DefaultTimestamp
}

export interface StorageQuotaTable {
  account_id: string
  limit_bytes: Bytes
  used_bytes: DefaultBytes
  reserved_bytes: DefaultBytes
}

export interface AccessTokenTable {
  id: string
  account_id: string
  kind: 'session' | 'personal'
  name: Optional<string>
  /** SHA-256 of the secret. */
  secret_hash: Uint8Array
  scopes: string[]
  expires_at: OptionalTimestamp
  created_at: DefaultTimestamp
}

export type UploadState = 'uploading' | 'completed' | 'aborted' | 'expired'
export type UploadProtocol = 'direct' | 'stream' | 'tus' | 'uppy'
export type Purpose = 'library' | 'post' | 'avatar'

export interface UploadTable {
  id: string
  owner_id: string
  state: ColumnType<UploadState, UploadState | undefined, UploadState>
  protocol: UploadProtocol
  purpose: Purpose
  object_key: string
  filename: string
  content_type: string
  /** Declared size; null while a stream or form of unknown length arrives. */
  size: Optional<number>
  /** What this upload holds of `storage_quota.reserved_bytes`; 0 once it is over. */
  reserved_bytes: DefaultBytes
  /** Declared by the client, verified at completion. */
  sha256: Optional<Uint8Array>
  /** The album its asset goes into at completion, if it is still there and still takes it. */
  album_id: Optional<string>
  captured_at: OptionalTimestamp
  /** Null when the object is put whole. */
  store_upload_id: Optional<string>
  part_size: Optional<number>
  part_count: Optional<number>
  /** The asset it became. Not a foreign key: the asset may be gone. */
  asset_id: Optional<string>
  /** Problem code that ended it. */
  failure: Optional<string>
  /** Until when a URL that was handed out can still put bytes. */
  grants_until: OptionalTimestamp
  expires_at: Timestamp
  created_at: DefaultTimestamp
  finished_at: OptionalTimestamp
  /** The link through which a guest uploads into an album of the owner. Not a foreign key: the link may be gone. */
  link_id: Optional<string>
}

/** Who writes to a resumable upload right now (tus); a lease, not a lock, so that a dead holder loses it. */
export interface UploadLeaseTable {
  upload_id: string
  holder: string
  release_requested: Generated<boolean>
  expires_at: Timestamp
}

export type AssetKind = 'image' | 'video'
export type AssetState = 'processing' | 'ready' | 'failed'

export interface AssetTable {
  id: string
  owner_id: string
  upload_id: string
  kind: AssetKind
  state: ColumnType<AssetState, AssetState | undefined, AssetState>
  failure: Optional<string>
  purpose: Purpose
  object_key: string
  filename: string
  content_type: string
  size: Bytes
  /** Null until a worker has read the bytes back, where the store attests none. */
  sha256: Optional<Uint8Array>
  /** True when another asset of the owner with the same bytes was there first and this was found out later. */
  is_duplicate: Generated<boolean>
  width: Optional<number>
  height: Optional<number>
  duration: Optional<number>
  captured_at: Timestamp
  latitude: Optional<number>
  longitude: Optional<number>
  camera: Optional<string>
  thumbhash: Optional<Uint8Array>
  favorite: Generated<boolean>
  description: Optional<string>
  /** Until when a URL handed out for the upload can still put bytes at the key. */
  grants_until: OptionalTimestamp
  uploaded_at: DefaultTimestamp
  trashed_at: OptionalTimestamp
  version: Generated<number>
  /** The recipe by which it was last processed; null when it never was. */
  recipe: Optional<number>
  /** Renditions that are still to be made although it is ready: further sizes of a video, AVIF. */
  pending: ColumnType<string[], string[] | undefined, string[]>
  /** Who says when it was captured. A person's word stays, whatever is read from the file later. */
  captured_by: ColumnType<CapturedBy, CapturedBy | undefined, CapturedBy>
  /** Minutes that the clock of the place was ahead of UTC; null where the file does not tell. */
  captured_offset: Optional<number>
  lens: Optional<string>
  exposure: ColumnType<Exposure | null, string | null | undefined, string | null>
  /** A picture that moves by itself: its original is what plays. */
  animated: Generated<boolean>
  /** Its bytes tell where it was taken, in whatever form: others get a copy that does not. True until they were read. */
  holds_location: Generated<boolean>
  /** Shared by the two files of a Live Photo. */
  content_identifier: Optional<string>
  /** The photo whose motion this video is. Such a video is shown with its photo and nowhere else. */
  motion_of: Optional<string>
  /**
   * When it was taken by the clock of the place, as text without a zone: `captured_at` in UTC and `captured_offset`. The
   * timeline is ordered by it.
   */
  taken_at: ColumnType<string, never, never>
}

export type CapturedBy = 'upload' | 'metadata' | 'person'

export interface Exposure {
  /** Seconds. */
  exposureTime: number | null
  fNumber: number | null
  iso: number | null
  /** Millimetres, as written on the lens. */
  focalLength: number | null
  /** Millimetres on 35 mm film. */
  focalLength35: number | null
}

/** What was made of an original: `thumb`, `poster`, `hls-720`, … Each making has a new key; the row is switched to it. */
export interface RenditionTable {
  asset_id: string
  name: string
  object_key: string
  content_type: string
  size: Bytes
  width: Optional<number>
  height: Optional<number>
  /** Seconds. */
  duration: Optional<number>
  /** What a playlist needs to know of an HLS variant. */
  detail: ColumnType<unknown, string | null | undefined, string | null>
  /** The recipe by which it was made. */
  recipe: number
  made_at: DefaultTimestamp
}

/** Keys whose bytes must go: written by the transaction that gave them up, deleted by the job `objects.delete`. */
export interface ObjectDeletionTable {
  object_key: string
  store_upload_id: Optional<string>
  reason: string
  attempts: Generated<number>
  /** Not before this. */
  due_at: DefaultTimestamp
  /** The row stays until this has passed: a URL handed out may land bytes at the key once more. */
  sweep_until: DefaultTimestamp
  created_at: DefaultTimestamp
}

export interface HistoryEventTable {
  id: string
  at: DefaultTimestamp
  actor_id: Optional<string>
  action: string
  object_type: Optional<string>
  object_id: Optional<string>
  size: Optional<number>
  content_type: Optional<string>
  /** Truncated: IPv4 to /24, IPv6 to /48, in CIDR notation. */
  network: Optional<string>
  protocol: string
  endpoint: Optional<string>
  phases: Json<Record<string, number>>
  outcome: 'success' | 'failure'
  error_class: Optional<string>
  attempt: Generated<number>
}

export interface IdempotencyKeyTable {
  /** SHA-256 of principal, route and the client's key. */
  key_hash: Uint8Array
  request_hash: Uint8Array
  status: Optional<number>
  /** Response body, encrypted under a key derived from the client's key. */
  body: Optional<Uint8Array>
  created_at: DefaultTimestamp
}

export type AccountEventType = 'asset.updated' | 'upload.updated' | 'notification'

/** What the event stream of an account says. Kept for a day. */
export interface AccountEventTable {
  account_id: string
  /** The transaction that wrote it (`xid8`): what is visible below the oldest one that still runs is there for good. */
  transaction: ColumnType<string, never, never>
  /** Order within the transaction. */
  id: ColumnType<number, never, never>
  type: AccountEventType
  resource_id: string
  state: string
  data: ColumnType<Record<string, unknown> | null, string | null, never>
  at: DefaultTimestamp
}

/** One row: the youngest transaction of which an event was removed for its age. */
export interface AccountEventHorizonTable {
  transaction: string
}

export type AlbumSort = 'newest' | 'oldest' | 'custom'

export interface AlbumTable {
  id: string
  owner_id: string
  title: string
  description: Optional<string>
  /** Chosen by the owner; null for the first of its assets. */
  cover_asset_id: Optional<string>
  sort: ColumnType<AlbumSort, AlbumSort | undefined, AlbumSort>
  /** Members see where things were taken, and get originals that tell it. */
  share_location: Generated<boolean>
  version: Generated<number>
  created_at: DefaultTimestamp
  updated_at: DefaultTimestamp
}

export interface AlbumAssetTable {
  album_id: string
  asset_id: string
  /** Null for a guest who came by a link, and for an account that is gone. */
  added_by: Optional<string>
  /** Ascending; what the order `custom` sorts by. */
  position: number
  added_at: DefaultTimestamp
  /** That of the asset, kept the same by the database. */
  captured_at: ColumnType<Date, never, never>
  /** Neither in the trash nor the video of a Live Photo; kept true by the database. */
  visible: ColumnType<boolean, never, never>
}

export type MemberRole = 'viewer' | 'contributor'

export interface AlbumMemberTable {
  album_id: string
  account_id: string
  role: MemberRole
  added_at: DefaultTimestamp
}

export interface AlbumLinkTable {
  id: string
  album_id: string
  token: string
  /** PHC string of argon2id; null for a link without a password. */
  password_hash: Optional<string>
  expires_at: OptionalTimestamp
  allow_download: Generated<boolean>
  allow_upload: Generated<boolean>
  /** Visitors see where things were taken, and get originals that tell it. */
  show_location: Generated<boolean>
  created_at: DefaultTimestamp
}

/** What the timeline shows of a month; with `timeline_change` it is exact. */
export interface TimelineMonthTable {
  owner_id: string
  /** Its first day. */
  month: ColumnType<string, never, never>
  images: number
  videos: number
  /** Of the images. */
  favorite_images: number
  favorite_videos: number
  /** How often anything of the month has changed: it only grows, and names what a reader has seen. */
  changes: Bytes
}

/** Changes of months that are not yet folded into `timeline_month`; written by triggers of `asset`. */
export interface TimelineChangeTable {
  owner_id: string
  month: ColumnType<string, never, never>
  images: number
  videos: number
  favorite_images: number
  favorite_videos: number
  changes: DefaultBytes
}

export interface Database {
  account: AccountTable
  storage_quota: StorageQuotaTable
  access_token: AccessTokenTable
  upload: UploadTable
  upload_lease: UploadLeaseTable
  asset: AssetTable
  rendition: RenditionTable
  object_deletion: ObjectDeletionTable
  history_event: HistoryEventTable
  idempotency_key: IdempotencyKeyTable
  account_event: AccountEventTable
  account_event_horizon: AccountEventHorizonTable
  album: AlbumTable
  album_asset: AlbumAssetTable
  album_member: AlbumMemberTable
  album_link: AlbumLinkTable
  timeline_month: TimelineMonthTable
  timeline_change: TimelineChangeTable
}
