/**
 * Asks the store what is really there before anything is believed: existence, exact size, file signature, checksum.
 * Reads at most the first bytes, except where a checksum was declared that the store cannot attest: then it reads all.
 */
import { timingSafeEqual } from 'node:crypto'
import { readSha256 } from '../engines/object-store/digest.ts'
import { type ObjectStore, ObjectStoreError, type PartInfo } from '../engines/object-store/index.ts'
import { problems } from '../problem.ts'
import type { UploadContext, UploadRow } from './context.ts'
import { type MediaType, recogniseMedia, sampleSize } from './media-type.ts'
import { type ExpectedPart, expectedParts } from './transfer.ts'

export interface VerifiedObject extends MediaType {
  size: number
  /** Null when the store attests none and none was declared; a worker reads it back. */
  sha256: Uint8Array | null
}

/** What this process saw of the bytes itself, as they went through it. */
export interface KnownBytes {
  sha256?: Uint8Array
}

/**
 * Throws `upload-incomplete` (409) when bytes are missing, and the upload goes on; `size-mismatch`, `content-mismatch` or
 * `checksum-mismatch` (422) when the bytes can never become right.
 */
export async function verifyUpload(
  context: UploadContext,
  upload: UploadRow,
  known: KnownBytes = {},
): Promise<VerifiedObject> {
  const { store } = context
  if (upload.store_upload_id !== null) await joinParts(context, upload, upload.store_upload_id)
  const found = await readStart(store, upload.object_key)
  if (found === null) throw incomplete(expectedParts(upload))
  context.fault('complete.joined')
  if (upload.size !== null && found.size !== upload.size) {
    throw problems.sizeMismatch(`${upload.size} bytes were declared and ${found.size} arrived. Upload the file again.`)
  }
  const media = await recogniseMedia(found.sample, upload.content_type)
  if (media === null) throw contentMismatch(upload.content_type)
  const sha256 = known.sha256 ?? (await findSha256(store, upload))
  if (upload.sha256 !== null && sha256 !== null && !timingSafeEqual(upload.sha256, sha256)) {
    throw problems.checksumMismatch('The bytes that arrived have another SHA-256 than declared. Upload the file again.')
  }
  context.fault('complete.verified')
  return { ...media, size: found.size, sha256 }
}

/** What the store holds of an upload, for clients that resume. */
export async function receivedParts(
  store: ObjectStore,
  upload: UploadRow,
): Promise<{ number: number; size: number }[]> {
  if (upload.store_upload_id === null) {
    const info = await store.head(upload.object_key)
    return info === null ? [] : [{ number: 1, size: info.size }]
  }
  const parts = await listParts(store, upload, upload.store_upload_id)
  if (parts !== null) return parts.map(({ number, size }) => ({ number, size }))
  // The multipart is over: joined by a completion that did not get to its commit.
  const info = await store.head(upload.object_key)
  return info === null ? [] : expectedParts(upload)
}

/** Makes one object of the parts, once all are there; nothing to do when an earlier completion did. */
async function joinParts({ store }: UploadContext, upload: UploadRow, uploadId: string): Promise<void> {
  const parts = await listParts(store, upload, uploadId)
  if (parts === null) return
  if (upload.part_size === null) requireWhole(upload, parts)
  else requirePlanned(expectedParts(upload), parts)
  try {
    await store.completeMultipart(upload.object_key, uploadId, parts)
  } catch (error) {
    // Closed by an abort that won the race; there will be no object to find.
    if (!(error instanceof ObjectStoreError && error.code === 'closed')) throw error
  }
}

function requirePlanned(expected: ExpectedPart[], parts: PartInfo[]): void {
  const sizes = new Map(parts.map((part) => [part.number, part.size]))
  const missing = expected.filter((part) => sizes.get(part.number) !== part.size)
  if (missing.length > 0) throw incomplete(missing)
  if (parts.length > expected.length) {
    throw problems.sizeMismatch(
      `${expected.length} parts were planned and ${parts.length} arrived. Upload the file again.`,
    )
  }
}

/** Parts that were not planned are all there when they add up; while the size is unknown nobody can say that they are. */
function requireWhole(upload: UploadRow, parts: PartInfo[]): void {
  const total = parts.reduce((sum, part) => sum + part.size, 0)
  if (upload.size === null || total < upload.size) throw incomplete([])
  if (total > upload.size) {
    throw problems.sizeMismatch(`${upload.size} bytes were declared and ${total} arrived. Upload the file again.`)
  }
}

async function listParts(store: ObjectStore, upload: UploadRow, uploadId: string) {
  try {
    return await store.listParts(upload.object_key, uploadId)
  } catch (error) {
    if (error instanceof ObjectStoreError && error.code === 'closed') return null
    throw error
  }
}

/** Existence, size and first bytes of an object in one request; null when there is none. */
async function readStart(store: ObjectStore, key: string): Promise<{ size: number; sample: Uint8Array } | null> {
  try {
    const { info, body } = await store.get(key, { range: { start: 0, end: sampleSize - 1 } })
    const chunks: Uint8Array[] = []
    for await (const chunk of body) chunks.push(chunk as Uint8Array)
    return { size: info.size, sample: Buffer.concat(chunks) }
  } catch (error) {
    if (!(error instanceof ObjectStoreError)) throw error
    if (error.code === 'not-found') return null
    // Not one byte to read: a form or a stream of unknown size was empty.
    if (error.code === 'invalid-range') return { size: 0, sample: new Uint8Array() }
    throw error
  }
}

export function contentMismatch(declared: string) {
  return problems.contentMismatch(
    declared === 'application/octet-stream'
      ? 'The file is not a photo or video that this server knows.'
      : `The file says it is ${declared}, but its bytes are something else. It may be damaged or have a wrong name.`,
  )
}

/**
 * A local file is read in a moment, if its hash is not remembered. A remote one is asked for and read only when the client
 * staked a checksum on it, and is left to the worker otherwise: without one nothing made the store attest any.
 */
async function findSha256(store: ObjectStore, upload: UploadRow): Promise<Uint8Array | null> {
  if (store.kind !== 'file' && upload.sha256 === null) return null
  return (await store.attestedSha256(upload.object_key)) ?? readSha256(store, upload.object_key)
}

function incomplete(missing: { number: number; size: number }[]) {
  return problems.uploadIncomplete(
    missing.length === 0
      ? 'Not all bytes have arrived yet.'
      : missing.length === 1
        ? 'One part has not arrived yet.'
        : `${missing.length} parts have not arrived yet.`,
    { extensions: { missing: missing.slice(0, 1000) } },
  )
}
