/**
 * The shapes of the HTTP contract that the client speaks, under the names people use for them. A part of the contract
 * that is missing here can still be called through `client.request`.
 */

export type UploadState = 'uploading' | 'completed' | 'aborted' | 'expired'
export type AssetKind = 'image' | 'video' | 'audio'
export type AssetState = 'processing' | 'ready' | 'failed'
export type Purpose = 'library' | 'post' | 'avatar'

export interface Storage {
  usedBytes: number
  reservedBytes: number
  limitBytes: number
}

export interface Account {
  id: string
  handle: string
  name: string
  email: string
  avatarUrl: string | null
  role: 'member' | 'administrator'
  storage: Storage
}

export interface Session {
  account: Account
  token: string
}

export interface ServerInfo {
  /** False until the first account, the administrator's, is made. */
  hasAccounts: boolean
}

export interface Asset {
  id: string
  kind: AssetKind
  state: AssetState
  filename: string
  contentType: string
  /** Bytes. */
  size: number
  /** 64 hexadecimal digits; null until the server knows it. */
  sha256: string | null
  width: number | null
  height: number | null
  /** Seconds. */
  duration: number | null
  capturedAt: string
  uploadedAt: string
  trashedAt: string | null
  urls: { original: string | null }
}

/** How one endpoint wants the digest of a part: `Content-Digest`, `Content-MD5`, or none. */
export type PartChecksum = 'sha-256' | 'md5' | null

export interface PartUrl {
  endpoint: string
  url: string
  checksum: PartChecksum
}

export interface PlannedPart {
  /** From 1. */
  number: number
  /** Bytes. */
  size: number
  method: string
  /** To be sent exactly. */
  headers: Record<string, string>
  /** Best first. */
  urls: PartUrl[]
}

export interface Transfer {
  strategy: 'single' | 'multipart'
  partSize: number
  partCount: number
  /** At most 1,000; further ones by `uploads.parts`. */
  parts: PlannedPart[]
}

/** How a file was cut when it was planned; URLs of its parts come from `uploads.parts`. */
export type ResumedTransfer = Omit<Transfer, 'parts'> & { parts?: PlannedPart[] }

export interface UploadPlan {
  id: string
  state: UploadState
  size: number
  expiresAt: string
  transfer: Transfer
}

export interface UploadStatus {
  id: string
  state: UploadState
  size: number
  expiresAt: string
  transfer: ResumedTransfer
  /** The parts that the store holds. */
  received: { number: number; size: number }[]
}

export interface PlanRequest {
  filename: string
  size: number
  contentType: string
  sha256?: string | null
  purpose?: Purpose
  albumId?: string | null
  capturedAt?: string | null
  strategy?: 'auto' | 'single' | 'multipart'
}

export type PlanResult = UploadPlan | { duplicateOf: Asset }

/** One try to put one part, as told to the server so that it knows which networks and endpoints work. */
export interface PartAttempt {
  part: number
  endpoint: string
  phase: 'transfer'
  bytes: number
  milliseconds: number
  /** `success`, or the class of the error. */
  outcome: string
}

export interface Page<T> {
  items: T[]
  nextCursor: string | null
}
