/**
 * How the bytes of one upload travel: whole or in parts, and for each part the ranked URLs to put it to. The store itself
 * comes first where it can sign, then the edges; a client goes down the list part by part.
 */
import { problems } from '../problem.ts'
import type { UploadContext, UploadRow } from './context.ts'
import { grantsUntil } from './context.ts'

export type Strategy = 'auto' | 'single' | 'multipart'

/** Bytes. Up to this, one PUT is faster than the three calls of a multipart. */
const singleLimit = 16 * 1024 * 1024
/** Bytes. */
export const defaultPartSize = 8 * 1024 * 1024
const mebibyte = 1024 * 1024
/** S3 takes no larger object in one PUT: 5 GiB. */
const maxSinglePut = 5 * 1024 ** 3

/** Parts signed in one answer. */
export const maxSignedParts = 1000

export type TransferPlan = { strategy: 'single' } | { strategy: 'multipart'; partSize: number; partCount: number }

/** Splits `size` bytes so that the store's limits hold: parts of 8 MiB, larger only when there would be too many. */
export function planTransfer(size: number, wanted: Strategy, maxParts: number): TransferPlan {
  const isSingle = wanted === 'single' ? size <= maxSinglePut : wanted === 'auto' && size <= singleLimit
  if (isSingle) return { strategy: 'single' }
  const partSize = Math.max(defaultPartSize, Math.ceil(size / maxParts / mebibyte) * mebibyte)
  return { strategy: 'multipart', partSize, partCount: Math.ceil(size / partSize) }
}

export interface PartUrl {
  endpoint: string
  url: string
  /** Which checksum of the part this endpoint verifies: `Content-Digest: sha-256` or `Content-MD5`. */
  checksum: 'sha-256' | 'md5'
}

export interface TransferPart {
  number: number
  size: number
  method: 'PUT'
  headers: Record<string, string>
  urls: PartUrl[]
}

export interface ExpectedPart {
  number: number
  size: number
}

/** The parts this upload must consist of; none while its size is unknown. */
export function expectedParts(upload: UploadRow): ExpectedPart[] {
  const { size, part_size: partSize, part_count: partCount } = upload
  if (size === null) return []
  if (partSize === null || partCount === null) return [{ number: 1, size }]
  return Array.from({ length: partCount }, (_, index) => ({
    number: index + 1,
    size: Math.min(partSize, size - index * partSize),
  }))
}

/** Signs URLs for the given parts. The caller has written `grants_until` of the upload before they leave. */
export async function signParts(
  context: UploadContext,
  upload: UploadRow,
  parts: ExpectedPart[],
): Promise<TransferPart[]> {
  return Promise.all(parts.map((part) => signPart(context, upload, part)))
}

async function signPart(context: UploadContext, upload: UploadRow, part: ExpectedPart): Promise<TransferPart> {
  const { store, edges, limits } = context
  const key = upload.object_key
  const urls: PartUrl[] = []
  let headers: Record<string, string> = {}

  if (store.presigner !== null) {
    const request =
      upload.store_upload_id === null
        ? await store.presigner.put(key, {
            size: part.size,
            contentType: upload.content_type,
            expiresIn: limits.grantLifetime,
            ...(upload.sha256 === null ? {} : { sha256: upload.sha256 }),
          })
        : await store.presigner.part(key, upload.store_upload_id, part, limits.grantLifetime)
    urls.push({ endpoint: 'direct', url: request.url, checksum: 'md5' })
    headers = request.headers
  }

  const grant = {
    key,
    upload: upload.store_upload_id,
    part: upload.store_upload_id === null ? null : part.number,
    size: part.size,
    maxSize: null,
    type: upload.content_type,
    expires: Math.floor(context.now().getTime() / 1000) + limits.grantLifetime,
  }
  for (const edge of edges) {
    urls.push({ endpoint: edge.name, url: await edge.sign(edge.baseUrl, grant), checksum: 'sha-256' })
  }
  return { number: part.number, size: part.size, method: 'PUT', headers, urls }
}

/**
 * Writes down until when URLs are out, so that what lands late is swept; call before handing them out. Throws
 * `upload-closed` when the upload ended meanwhile: nobody would sweep what such a URL brings.
 */
export async function extendGrants(
  context: Pick<UploadContext, 'db' | 'now'> & { limits: Pick<UploadContext['limits'], 'grantLifetime'> },
  uploadId: string,
): Promise<void> {
  const { numUpdatedRows } = await context.db
    .updateTable('upload')
    .set({ grants_until: grantsUntil(context) })
    .where('id', '=', uploadId)
    .where('state', '=', 'uploading')
    .executeTakeFirst()
  if (numUpdatedRows === 0n) throw problems.uploadClosed('The upload is over; no more bytes can be sent.')
}
