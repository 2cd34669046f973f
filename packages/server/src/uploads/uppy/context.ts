/** What the parts of the Uppy door share: how long what it signs lives, whose upload a call is about, and patience with the store. */
import { setTimeout as delay } from 'node:timers/promises'
import { isDatabaseUnavailable } from '../../engines/database/database.ts'
import { ObjectStoreError } from '../../engines/object-store/index.ts'
import { problems } from '../../problem.ts'
import { quota } from '../../quota/index.ts'
import type { UploadContext, UploadRow } from '../context.ts'
import type { Uploads } from '../uploads.ts'

export interface UppyContext {
  uploads: Uploads
  /** That of the uploads, with grants that live long enough for Uppy. */
  context: UploadContext
  /** Where clients reach this server. */
  publicUrl: () => string
}

/** Seconds. Uppy signs a part, or a form, once, and then sends it for as long as that takes. */
const shortestGrant = 3_600
/** Milliseconds before a call that the store or the database did not answer is tried again. */
const retryDelays = [150, 600]

export function createUppyContext(uploads: Uploads, publicUrl: () => string): UppyContext {
  const { limits } = uploads.context
  const grantLifetime = Math.max(shortestGrant, limits.grantLifetime)
  return { uploads, publicUrl, context: { ...uploads.context, limits: { ...limits, grantLifetime } } }
}

/** The multipart that Uppy means: its id, its key and the owner of the token must belong together. */
export async function findUpload(
  { uploads }: UppyContext,
  ownerId: string,
  uploadId: string,
  key: string,
): Promise<UploadRow> {
  const upload = await patiently(() => uploads.own(ownerId, uploadId))
  const isMeant = upload.protocol === 'uppy' && upload.store_upload_id !== null && upload.object_key === key
  if (!isMeant) throw problems.notFound('There is no such upload.')
  if (upload.state === 'aborted' || upload.state === 'expired') {
    throw problems.uploadGone('The upload was ended. Add the file again.', { extensions: { failure: upload.failure } })
  }
  return upload
}

/** Bytes the account may still store; throws `quota-exceeded` when there is none. */
export async function storageLeft({ context }: UppyContext, ownerId: string): Promise<number> {
  const { usedBytes, reservedBytes, limitBytes } = await quota.read(context.db, ownerId)
  const left = limitBytes - usedBytes - reservedBytes
  if (left > 0) return left
  throw problems.quotaExceeded('No storage is left. Empty the trash or ask the administrator for more.', {
    extensions: { availableBytes: 0, limitBytes },
  })
}

/** Uppy never repeats a signing call, so a moment in which the store or the database is away is waited for here. */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (const wait of retryDelays) {
    try {
      return await work()
    } catch (error) {
      const mayPass =
        isDatabaseUnavailable(error) || (error instanceof ObjectStoreError && error.code === 'unavailable')
      if (!mayPass) throw error
      await delay(wait)
    }
  }
  return work()
}
