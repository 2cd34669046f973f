/**
 * Files that Uppy sends as one form. With S3 the form goes to the store under a POST policy, and nobody tells when it has
 * arrived: `uppy:settle` looks, at growing distances, until the form's time is over. With files it goes to a route of ours.
 *
 * A form may be posted again until its policy expires and would overwrite the object, so what is kept is a copy under a
 * key that was never handed out. The copy is written down for deletion before it is made, and kept by the transaction that
 * gives its key to the upload.
 */
import type { Tx } from '../../engines/database/database.ts'
import type { Tasks } from '../../engines/jobs/jobs.ts'
import { type Attempt, jobAttempt } from '../../history/index.ts'
import { isProblem } from '../../problem.ts'
import { foreseeDeletion, giveUpObjects, keepForeseen } from '../../purge/index.ts'
import { quota } from '../../quota/index.ts'
import { completeUpload } from '../complete.ts'
import type { UploadContext, UploadRow } from '../context.ts'
import { lockUpload } from '../end.ts'
import { describe, type Metadata } from '../metadata.ts'
import { acceptedType, growReservation, newObjectKey } from '../plan.ts'
import { extendGrants } from '../transfer.ts'
import { patiently, storageLeft, type UppyContext } from './context.ts'

declare module '../../engines/jobs/jobs.ts' {
  interface TaskPayloads {
    /** Completes the upload of a form when its object is there; else looks again later. `key` is where the form puts it. */
    'uppy:settle': { uploadId: string; key: string; round: number }
  }
}

export interface Form {
  method: 'POST'
  url: string
  fields: Record<string, string>
  /** Seconds. */
  expires: number
}

/** Bytes; beyond, Uppy sends parts. */
const largestForm = 100 * 1024 * 1024
/** Seconds by which an upload outlives the policy of its form, so that what is cleared cannot come back. */
const margin = 120
/** Seconds until the first look, how much longer each further wait is, and the longest. */
const firstLook = 1
const growth = 1.5
const longestWait = 300

/** Throws `unsupported-type` or `quota-exceeded`. @param formUrl where the form goes when the store takes none itself. */
export async function planForm(
  uppy: UppyContext,
  attempt: Attempt,
  ownerId: string,
  file: { filename: string; type: string; metadata: Metadata },
  formUrl: string,
): Promise<Form> {
  const described = describe({ ...file.metadata, filename: file.filename, filetype: file.type })
  const { store, limits } = uppy.context
  const { presigner } = store
  return patiently(async () => {
    const left = await storageLeft(uppy, ownerId)
    if (presigner === null) {
      acceptedType(described.contentType, described.filename)
      const { purpose, capturedAt } = described
      const fields = { key: newObjectKey(), filename: file.filename, type: file.type, purpose }
      const time = capturedAt === null ? {} : { capturedAt: capturedAt.toISOString() }
      return { method: 'POST', url: formUrl, fields: { ...fields, ...time }, expires: limits.grantLifetime }
    }
    const bound = Math.min(largestForm, limits.maxFileSize, left)
    const upload = await planBounded(uppy, attempt, { ...described, ownerId }, bound)
    const post = await presigner.post(upload.object_key, {
      contentType: upload.content_type,
      minSize: 1,
      maxSize: bound,
      expiresIn: limits.grantLifetime,
    })
    return { method: 'POST', ...post, expires: limits.grantLifetime }
  })
}

async function planBounded(
  { context, uploads }: UppyContext,
  attempt: Attempt,
  request: ReturnType<typeof describe> & { ownerId: string },
  bound: number,
): Promise<UploadRow> {
  const upload = await uploads.plan(attempt, {
    ...request,
    size: null,
    sha256: null,
    strategy: 'single',
    protocol: 'uppy',
    lifetime: context.limits.grantLifetime + margin,
  })
  try {
    await growReservation(context, upload, bound)
    await extendGrants(context, upload.id)
    await lookLater(context, { uploadId: upload.id, key: upload.object_key, round: 0 })
  } catch (error) {
    await uploads.abort(attempt, upload)
    throw error
  }
  return upload
}

async function lookLater(
  context: UploadContext,
  payload: { uploadId: string; key: string; round: number },
): Promise<void> {
  const seconds = Math.min(longestWait, firstLook * growth ** payload.round)
  const runAt = new Date(Date.now() + seconds * 1000)
  await context.jobs.enqueue(context.db, 'uppy:settle', payload, { runAt, key: `uppy:settle:${payload.uploadId}` })
}

export function uppyTasks(context: UploadContext): Pick<Tasks, 'uppy:settle'> {
  return {
    async 'uppy:settle'({ uploadId, key, round }) {
      const upload = await context.db.selectFrom('upload').selectAll().where('id', '=', uploadId).executeTakeFirst()
      if (upload === undefined || upload.state !== 'uploading') return
      const isCopied = upload.object_key !== key
      const found = isCopied ? null : await context.store.head(key)
      if (!isCopied && found === null) {
        // Past its time, the look at expired uploads ends it.
        if (upload.expires_at > context.now()) await lookLater(context, { uploadId, key, round: round + 1 })
        return
      }
      const settled = found === null ? upload : await copyAside(context, upload, found.size)
      if (settled === null) return
      try {
        await completeUpload(context, { ...jobAttempt(upload.owner_id, round + 1), protocol: 'uppy' }, settled)
      } catch (error) {
        // Refused for good and recorded; anything else may pass.
        if (!isProblem(error) || error.status >= 500) throw error
      }
    },
  }
}

/** Null when the upload ended meanwhile. */
async function copyAside(context: UploadContext, upload: UploadRow, size: number): Promise<UploadRow | null> {
  const copy = newObjectKey()
  await foreseeDeletion(context.db, [{ object_key: copy, reason: 'uppy copy', due_at: upload.expires_at }])
  const { body } = await context.store.get(upload.object_key)
  await context.store.put(copy, body, { contentType: upload.content_type, size })
  return context.db.transaction().execute(async (tx) => {
    const current = await lockUpload(tx, upload.id)
    if (current?.state !== 'uploading' || current.object_key !== upload.object_key) {
      await giveUpObjects(context.jobs, tx, [{ object_key: copy, grants_until: null, reason: 'uppy copy' }])
      return null
    }
    return switchTo(context, tx, current, { key: copy, size })
  })
}

async function switchTo(
  context: UploadContext,
  tx: Tx,
  upload: UploadRow,
  copy: { key: string; size: number },
): Promise<UploadRow> {
  await keepForeseen(tx, [copy.key])
  await giveUpObjects(context.jobs, tx, [{ ...upload, reason: 'uppy form' }])
  // The policy bounded the form by what is reserved.
  await quota.release(tx, upload.owner_id, upload.reserved_bytes - copy.size)
  return tx
    .updateTable('upload')
    .set({ object_key: copy.key, size: copy.size, reserved_bytes: copy.size, grants_until: null })
    .where('id', '=', upload.id)
    .returningAll()
    .executeTakeFirstOrThrow()
}
