/**
 * The one interface through which bytes are kept. Two implementations, `file-store.ts` and `s3-store.ts`, pass the same
 * contract suite. Objects are immutable: a key is written once (`If-None-Match: *`) and later deleted, never changed.
 *
 * Life of an object: `put` or a multipart makes it whole at its key, durable before the call returns (fsync of file and
 * folder, or the store's acknowledgement); nothing half-written is ever visible under a key. What could go wrong is said
 * by `ObjectStoreError`: `unavailable` may be tried again, `full` needs a person, `closed` and `exists` are answers.
 */
import type { Readable } from 'node:stream'

/**
 * Path-like, at most 512 characters: segments of `[a-z0-9][a-z0-9._-]*` joined by `/`, never anything a user typed.
 * Example: `originals/0f3c…` with 32 random hexadecimal digits.
 */
export type ObjectKey = string

export interface ObjectInfo {
  key: ObjectKey
  /** Bytes. */
  size: number
  /** Quoted strong entity tag (RFC 9110 section 8.8.3). */
  etag: string
  lastModified: Date
}

export interface ByteRange {
  /** First byte, from 0. */
  start: number
  /** Last byte, inclusive. */
  end: number
}

export interface PartInfo {
  /** From 1. */
  number: number
  size: number
  etag: string
}

/** What the client says the bytes hash to (RFC 9530 `Content-Digest`, or `Content-MD5`). */
export interface ExpectedDigest {
  algorithm: 'sha-256' | 'md5'
  value: Uint8Array
}

export interface PutOptions {
  contentType: string
  /** Exact size in bytes when known: a body that ends early or runs over fails with `size-mismatch` and leaves nothing. */
  size?: number
  /** Fails with `too-large` as soon as more bytes than this arrive. */
  maxSize?: number
  /** Other bytes fail with `checksum-mismatch` and leave nothing. */
  digest?: ExpectedDigest
  /** Aborting it ends the write and leaves nothing behind. */
  signal?: AbortSignal
}

export interface StoredObject extends ObjectInfo {
  /** SHA-256 of the bytes as they passed through, 32 bytes. */
  sha256: Uint8Array
}

export interface MultipartUpload {
  key: ObjectKey
  uploadId: string
  initiatedAt: Date
}

/** How a client puts bytes itself. `headers` must be sent exactly. */
export interface PresignedRequest {
  method: 'PUT' | 'POST' | 'GET'
  url: string
  headers: Record<string, string>
}

export interface PresignedPost {
  url: string
  /** Form fields to send before the field `file`. */
  fields: Record<string, string>
}

/** What a store can sign by itself. A store without it (the file store) is reached through an edge. */
export interface Presigner {
  /** A PUT of exactly `size` bytes that cannot overwrite (`If-None-Match: *`), valid `expiresIn` seconds. */
  put(
    key: ObjectKey,
    options: { size: number; contentType: string; sha256?: Uint8Array; expiresIn: number },
  ): Promise<PresignedRequest>
  /** A PUT of one part; `size` null when the client decides it. */
  part(
    key: ObjectKey,
    uploadId: string,
    part: { number: number; size: number | null },
    expiresIn: number,
  ): Promise<PresignedRequest>
  /** A browser form (POST policy) bounded by `maxSize`. */
  post(
    key: ObjectKey,
    options: { contentType: string; minSize: number; maxSize: number; expiresIn: number },
  ): Promise<PresignedPost>
  /** `signedAt` dates the signature, now when absent; the same date gives the same URL. */
  get(
    key: ObjectKey,
    options: { contentType: string; contentDisposition: string; expiresIn: number; signedAt?: Date },
  ): Promise<PresignedRequest>
}

export type ObjectStoreErrorCode =
  /** The key already holds an object. */
  | 'exists'
  /** No such object. */
  | 'not-found'
  /** No such multipart upload: completed, aborted or never there. */
  | 'closed'
  /** More or fewer bytes than declared. */
  | 'size-mismatch'
  | 'too-large'
  /** The range asked for holds no byte of the object. */
  | 'invalid-range'
  /** A part that was to be joined is missing, or not as listed. */
  | 'invalid-part'
  /** The bytes do not match the checksum sent with them. */
  | 'checksum-mismatch'
  /** No room left (ENOSPC, EDQUOT, or the store's own quota). */
  | 'full'
  /** Not reachable, overloaded or timed out; try again. */
  | 'unavailable'

export class ObjectStoreError extends Error {
  readonly code: ObjectStoreErrorCode

  constructor(code: ObjectStoreErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'ObjectStoreError'
    this.code = code
  }
}

export interface ObjectStore {
  readonly kind: 'file' | 's3'
  /** Smallest size of a part that is not the last, bytes: 1 for files, 5 MiB for S3. */
  readonly minPartSize: number
  /** Largest number of parts of one object. */
  readonly maxParts: number
  /** Null when clients reach this store through an edge only. */
  readonly presigner: Presigner | null

  /**
   * Writes a whole object in constant memory and hashes it on the way. `exists` when the key is taken; with an unknown
   * size it may use a multipart internally. When the body itself fails its own error is thrown, when it ends early
   * `size-mismatch`, when the signal aborts its reason. The body is read but never destroyed.
   * Of an incoming HTTP message the chunks may be freed once they are stored: nobody else may keep them.
   */
  put(key: ObjectKey, body: Readable, options: PutOptions): Promise<StoredObject>
  /** Null when there is none. */
  head(key: ObjectKey): Promise<ObjectInfo | null>
  /**
   * `not-found` when there is none. A range that reaches past the end is cut, one that starts there is `invalid-range`.
   * Destroying `body` ends the read.
   */
  get(
    key: ObjectKey,
    options?: { range?: ByteRange; signal?: AbortSignal },
  ): Promise<{ info: ObjectInfo; body: Readable }>
  /** Where the object lies on this machine, to be read and never written to; null for a store elsewhere. Says nothing of its existence. */
  localPath(key: ObjectKey): string | null
  /** SHA-256 without reading the object: remembered from writing it, or attested by the store; null when only reading would tell. */
  attestedSha256(key: ObjectKey): Promise<Uint8Array | null>
  /** Succeeds when there is nothing to delete. On return the store has said the object is gone. */
  delete(key: ObjectKey): Promise<void>
  /** In no particular order, in constant memory. Objects that appear or go meanwhile may be missed or seen. */
  list(prefix?: string): AsyncIterable<ObjectInfo>

  createMultipart(key: ObjectKey, options: { contentType: string }): Promise<string>
  /**
   * One part; repeating replaces it. S3 needs `size`, or buffers at most one part in memory. Wrong bytes leave the part
   * as it was.
   */
  putPart(
    key: ObjectKey,
    uploadId: string,
    number: number,
    body: Readable,
    options: { size?: number; maxSize?: number; digest?: ExpectedDigest; signal?: AbortSignal },
  ): Promise<PartInfo>
  /** All parts in order; `closed` when the multipart is over. */
  listParts(key: ObjectKey, uploadId: string): Promise<PartInfo[]>
  /**
   * Joins the parts into the object. Safe to repeat and to run at once from several processes: when the multipart is
   * over and the object is there, it answers the object. `closed` when both are gone.
   */
  completeMultipart(key: ObjectKey, uploadId: string, parts: PartInfo[]): Promise<ObjectInfo>
  /** Removes all stored parts; succeeds when there is nothing to abort. */
  abortMultipart(key: ObjectKey, uploadId: string): Promise<void>
  listMultiparts(): AsyncIterable<MultipartUpload>

  /** Removes what a killed process of this machine left half-written. Returns how many files went. */
  sweep(): Promise<number>
  /** Resolves when the store answers; throws `unavailable` otherwise. */
  ping(): Promise<void>
  close(): Promise<void>
}
