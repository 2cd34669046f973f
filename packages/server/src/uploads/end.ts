/**
 * The ways an upload ends without an asset: its owner aborts it, its bytes were wrong, or it took too long. In one
 * transaction the row is closed, the reservation returned and the bytes given up; a job removes them, and once more after
 * the last URL that was handed out has died.
 */
import type { Tx } from '../engines/database/database.ts'
import { publishEvents } from '../events/index.ts'
import { type Attempt, history, jobAttempt } from '../history/index.ts'
import { isProblem, problems } from '../problem.ts'
import { giveUpObjects } from '../purge/index.ts'
import { quota } from '../quota/index.ts'
import { completeUpload } from './complete.ts'
import type { UploadContext, UploadRow } from './context.ts'

export async function lockUpload(tx: Tx, id: string): Promise<UploadRow | undefined> {
  return tx.selectFrom('upload').selectAll().where('id', '=', id).forUpdate().executeTakeFirst()
}

/** Seconds; a store joins the parts of the largest file within minutes. */
const longestCompletion = 3_600

/** Returns false, and does nothing, when the upload is over already. */
export async function endUpload(
  context: Pick<UploadContext, 'jobs' | 'now'>,
  tx: Tx,
  id: string,
  end: { state: 'aborted' | 'expired'; failure: string | null },
): Promise<boolean> {
  const upload = await lockUpload(tx, id)
  if (upload === undefined || upload.state !== 'uploading') return false
  await tx
    .updateTable('upload')
    .set({ ...end, reserved_bytes: 0, finished_at: context.now() })
    .where('id', '=', id)
    .execute()
  await quota.release(tx, upload.owner_id, upload.reserved_bytes)
  await giveUpObjects(context.jobs, tx, [
    { ...upload, grants_until: watchedUntil(context, upload), reason: end.failure ?? end.state },
  ])
  await publishEvents(tx, [
    { accountId: upload.owner_id, type: 'upload.updated', id, state: end.state, data: { failure: end.failure } },
  ])
  return true
}

/**
 * Also when every URL has died long ago, a completion may be under way that checked the row before it ended: what it
 * joins lands after the bytes were removed.
 */
function watchedUntil({ now }: Pick<UploadContext, 'now'>, upload: UploadRow): Date {
  const completionsEnd = now().getTime() + longestCompletion * 1000
  return new Date(Math.max(completionsEnd, upload.grants_until?.getTime() ?? 0))
}

/** Ends the upload at its owner's wish. Repeating it succeeds; a completed one answers 409. */
export async function abortUpload(context: UploadContext, attempt: Attempt, upload: UploadRow): Promise<void> {
  await context.db.transaction().execute(async (tx) => {
    const ended = await endUpload(context, tx, upload.id, { state: 'aborted', failure: null })
    const state = ended ? 'aborted' : (await lockUpload(tx, upload.id))?.state
    if (state === 'completed') {
      throw problems.uploadClosed('The upload is complete. Delete the asset instead.', { extensions: { state } })
    }
    await history.record(tx, attempt, {
      action: 'upload.abort',
      objectType: 'upload',
      objectId: upload.id,
      size: upload.size,
      contentType: upload.content_type,
    })
  })
  context.fault('abort.committed')
}

/**
 * Looks at every upload past its time: all there and valid, it is completed; else it is expired and its bytes removed. A
 * store or database that does not answer leaves the upload for the next hour.
 */
export async function expireUploads(context: UploadContext, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const due = await context.db
      .selectFrom('upload')
      .selectAll()
      .where('state', '=', 'uploading')
      .where('expires_at', '<', context.now())
      .orderBy('expires_at')
      .limit(100)
      .execute()
    if (due.length === 0) return
    for (const upload of due) {
      if (signal.aborted) return
      await expireUpload(context, upload)
    }
  }
}

async function expireUpload(context: UploadContext, upload: UploadRow): Promise<void> {
  try {
    await completeUpload(context, jobAttempt(upload.owner_id), upload)
  } catch (error) {
    if (!isProblem(error)) throw error
    await context.db.transaction().execute(async (tx) => {
      const ended = await endUpload(context, tx, upload.id, { state: 'expired', failure: error.code })
      if (!ended) return
      await history.record(tx, jobAttempt(upload.owner_id), {
        action: 'upload.expire',
        objectType: 'upload',
        objectId: upload.id,
        size: upload.size,
        contentType: upload.content_type,
        errorClass: error.code,
      })
    })
    context.fault('expire.committed')
  }
}

/**
 * Aborts multiparts no row knows: a process died between opening one and writing its row, or after the row was gone.
 * Younger ones may have a row any moment.
 */
export async function sweepMultiparts(
  context: UploadContext,
  olderThanSeconds: number,
  signal: AbortSignal,
): Promise<number> {
  let swept = 0
  for await (const { key, uploadId, initiatedAt } of context.store.listMultiparts()) {
    if (signal.aborted) break
    if (context.now().getTime() - initiatedAt.getTime() < olderThanSeconds * 1000) continue
    const row = await context.db
      .selectFrom('upload')
      .select('id')
      .where('object_key', '=', key)
      .where('state', '=', 'uploading')
      .executeTakeFirst()
    if (row !== undefined) continue
    await context.store.abortMultipart(key, uploadId)
    swept += 1
  }
  return swept
}
