/**
 * Asks the store what is really there before anything is believed: existence, exact size, file signature, checksum.
 * Reads at most the first bytes, except where a checksum was declared that the store cannot attest: then it reads all.
 */
import { timingSafeEqual } from 'node:crypto'
import { readSha256 } from '../engines/object-store/digest.ts'
import { type ObjectInfo, type ObjectStore, ObjectStoreError } from '../engines/object-store/index.ts'
import { problems } from '../problem.ts'
import type { UploadContext, UploadRow } from './context.ts'
import { type MediaType, recogniseMedia, sampleSize } from './media-type.ts'
import { expectedParts } from './transfer.ts'

export interface VerifiedObject extends MediaType {
  size: number
  /** Null when the store attests none and none was declared; a worker reads it back. */
  sha256: Uint8Array | null
}

/**
 * Throws `upload-incomplete` (409) when bytes are missing, and the upload goes on; `size-mismatch`, `content-mismatch` or
 * `checksum-mismatch` (422) when the bytes can never become right.
 */
export async function verifyUpload(context: UploadContext, upload: UploadRow): Promise<VerifiedObject> {
  const { store } = context
  const info = upload.store_upload_id === null ? await store.head(upload.object_key) : await joinParts(context, upload)
  if (info === null) throw incomplete(expectedParts(upload))
  context.fault('complete.joined')
  if (upload.size !== null && info.size !== upload.size) {
    throw problems.sizeMismatch(`${upload.size} bytes were declared and ${info.size} arrived. Upload the file again.`)
  }
  const media = await recognise(store, upload, info.size)
  const sha256 = await knownSha256(store, upload)
  if (upload.sha256 !== null && sha256 !== null && !timingSafeEqual(upload.sha256, sha256)) {
    throw problems.checksumMismatch('The bytes that arrived have another SHA-256 than declared. Upload the file again.')
  }
  context.fault('complete.verified')
  return { ...media, size: info.size, sha256 }
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

async function joinParts(context: UploadContext, upload: UploadRow): Promise<ObjectInfo | null> {
  const { store } = context
  const uploadId = upload.store_upload_id ?? ''
  const parts = await listParts(store, upload, uploadId)
  if (parts === null) return store.head(upload.object_key)
  const expected = expectedParts(upload)
  if (expected.length > 0) {
    const sizes = new Map(parts.map((part) => [part.number, part.size]))
    const missing = expected.filter((part) => sizes.get(part.number) !== part.size)
    if (missing.length > 0) throw incomplete(missing)
    if (parts.length > expected.length) {
      throw problems.sizeMismatch(
        `${expected.length} parts were planned and ${parts.length} arrived. Upload the file again.`,
      )
    }
  } else if (parts.length === 0) {
    throw incomplete([])
  }
  try {
    return await store.completeMultipart(upload.object_key, uploadId, parts)
  } catch (error) {
    // Closed by an abort that won the race; the commit will find the upload over.
    if (error instanceof ObjectStoreError && error.code === 'closed') return store.head(upload.object_key)
    throw error
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

async function recognise(store: ObjectStore, upload: UploadRow, size: number): Promise<MediaType> {
  const { body } = await store.get(upload.object_key, { range: { start: 0, end: Math.min(size, sampleSize) - 1 } })
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk as Uint8Array)
  const media = await recogniseMedia(Buffer.concat(chunks), upload.content_type)
  if (media !== null) return media
  throw contentMismatch(upload.content_type)
}

export function contentMismatch(declared: string) {
  return problems.contentMismatch(
    declared === 'application/octet-stream'
      ? 'The file is not a photo or video that this server knows.'
      : `The file says it is ${declared}, but its bytes are something else. It may be damaged or have a wrong name.`,
  )
}

async function knownSha256(store: ObjectStore, upload: UploadRow): Promise<Uint8Array | null> {
  const attested = await store.attestedSha256(upload.object_key)
  if (attested !== null) return attested
  // A local file is read in a moment; a remote one is left to the worker unless the client staked a checksum on it.
  return upload.sha256 !== null || store.kind === 'file' ? readSha256(store, upload.object_key) : null
}

function incomplete(missing: { number: number; size: number }[]) {
  return problems.uploadIncomplete(
    missing.length === 1 ? 'One part has not arrived yet.' : `${missing.length} parts have not arrived yet.`,
    { extensions: { missing: missing.slice(0, 1000) } },
  )
}
