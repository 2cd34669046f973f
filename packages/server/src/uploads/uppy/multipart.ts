/**
 * Multipart uploads as Uppy makes them. It never says how large a file is: the size is what the parts add up to when it
 * completes, and is reserved then. Parts are known by number alone; ETags, which browsers and proxies lose or alter, decide nothing.
 */
import { ObjectStoreError, type PartInfo } from '../../engines/object-store/index.ts'
import type { Attempt } from '../../history/index.ts'
import { isProblem, problems } from '../../problem.ts'
import type { UploadRow } from '../context.ts'
import { declareSize } from '../declare.ts'
import { describe, type Metadata } from '../metadata.ts'
import { extendGrants } from '../transfer.ts'
import { patiently, storageLeft, type UppyContext } from './context.ts'

/** What a part may have in S3, bytes: 5 GiB. */
const largestPart = 5 * 1024 ** 3
export const bucketName = 'heliograph'

export async function createMultipart(
  uppy: UppyContext,
  attempt: Attempt,
  ownerId: string,
  file: { filename: string; type: string; metadata: Metadata },
): Promise<{ key: string; uploadId: string; bucket: string }> {
  const upload = await patiently(async () => {
    await storageLeft(uppy, ownerId)
    return uppy.uploads.plan(attempt, {
      ...describe({ ...file.metadata, filename: file.filename, filetype: file.type }),
      ownerId,
      size: null,
      sha256: null,
      strategy: 'multipart',
      protocol: 'uppy',
    })
  })
  return { key: upload.object_key, uploadId: upload.id, bucket: bucketName }
}

/** URLs to put these parts, by number. */
export async function signParts(
  uppy: UppyContext,
  upload: UploadRow,
  numbers: number[],
): Promise<{ urls: Record<number, string>; expires: number }> {
  if (upload.state !== 'uploading') throw problems.uploadClosed('The upload is complete; no more bytes can be sent.')
  const { context } = uppy
  const urls = await patiently(async () => {
    const maxSize = Math.min(largestPart, context.limits.maxFileSize, await storageLeft(uppy, upload.owner_id))
    await extendGrants(context, upload.id)
    return Promise.all(numbers.map(async (number) => [number, await signPart(uppy, upload, number, maxSize)] as const))
  })
  return { urls: Object.fromEntries(urls), expires: context.limits.grantLifetime }
}

async function signPart({ context }: UppyContext, upload: UploadRow, number: number, maxSize: number): Promise<string> {
  const { store, edges, limits } = context
  const storeUploadId = upload.store_upload_id ?? ''
  if (store.presigner !== null) {
    const part = { number, size: null }
    return (await store.presigner.part(upload.object_key, storeUploadId, part, limits.grantLifetime)).url
  }
  const [edge] = edges
  if (edge === undefined) throw problems.unavailable('No edge takes uploads.')
  return edge.sign(edge.baseUrl, {
    key: upload.object_key,
    upload: storeUploadId,
    part: number,
    size: null,
    maxSize,
    type: upload.content_type,
    expires: Math.floor(context.now().getTime() / 1000) + limits.grantLifetime,
  })
}

export interface UppyPart {
  PartNumber: number
  ETag: string
  Size: number
}

/**
 * The parts the store holds. Of an upload whose parts were joined already, all of them, so that a client which missed the
 * answer does not send them again but completes once more.
 */
export async function listParts({ context }: UppyContext, upload: UploadRow): Promise<UppyPart[]> {
  const parts = upload.state === 'uploading' ? await patiently(() => storedParts(context, upload)) : null
  if (parts !== null) return parts.map(({ number, etag, size }) => ({ PartNumber: number, ETag: etag, Size: size }))
  return Array.from({ length: upload.part_count ?? 0 }, (_, index) => ({
    PartNumber: index + 1,
    ETag: '"joined"',
    Size: 0,
  }))
}

/** Null when they were joined. */
async function storedParts({ store }: UppyContext['context'], upload: UploadRow): Promise<PartInfo[] | null> {
  try {
    return await store.listParts(upload.object_key, upload.store_upload_id ?? '')
  } catch (error) {
    if (error instanceof ObjectStoreError && error.code === 'closed') return null
    throw error
  }
}

/** Returns the id of the asset. Throws `quota-exceeded` or `file-too-large` after ending the upload. */
export async function completeMultipart(
  uppy: UppyContext,
  attempt: Attempt,
  upload: UploadRow,
  numbers: number[],
): Promise<string> {
  const { context, uploads } = uppy
  const parts = upload.state === 'uploading' ? await patiently(() => storedParts(context, upload)) : null
  const declared = parts === null ? upload : await declareParts(uppy, attempt, upload, parts, numbers)
  const { asset } = await uploads.complete(attempt, declared)
  return asset.id
}

async function declareParts(
  { context, uploads }: UppyContext,
  attempt: Attempt,
  upload: UploadRow,
  parts: PartInfo[],
  numbers: number[],
): Promise<UploadRow> {
  const wanted = [...new Set(numbers)].sort((a, b) => a - b)
  const held = parts.map(({ number }) => number)
  const missing = wanted.filter((number) => !held.includes(number))
  if (wanted.length === 0 || missing.length > 0 || wanted.length !== held.length) {
    throw problems.uploadIncomplete('The parts to join are not the parts that arrived. Add the file again.', {
      extensions: { missing: missing.slice(0, 1000).map((number) => ({ number })) },
    })
  }
  try {
    const size = parts.reduce((sum, part) => sum + part.size, 0)
    return await declareSize(context, upload.id, { size, partCount: parts.length })
  } catch (error) {
    // What does not fit now was sent in vain, and would otherwise lie there until it expires.
    if (isProblem(error) && error.status === 413) await uploads.abort(attempt, upload)
    throw error
  }
}
