/**
 * The last step of an upload. The store is asked first, without a transaction; then one transaction makes the asset,
 * settles the quota, closes the upload and enqueues its processing. It may be called any number of times, at once and from
 * several processes: the row lock lets one win, and the others answer with its asset.
 *
 * Dying before the commit leaves the upload as it was, to be completed again or expired; after it, the asset stands.
 */
import { type Selectable, sql } from 'kysely'
import { v7 as uuidv7 } from 'uuid'
import { admitArrival } from '../albums/index.ts'
import { isLostAsset } from '../assets/index.ts'
import { isMissing, type Tx, violates } from '../engines/database/database.ts'
import type { AssetTable } from '../engines/database/schema.ts'
import { transact } from '../engines/database/transact.ts'
import { type AccountEvent, publishEvents, publishing } from '../events/index.ts'
import { type Attempt, errorClass, type HistoryEvent, history } from '../history/index.ts'
import { isProblem, problems } from '../problem.ts'
import { giveUpObjects } from '../purge/index.ts'
import { quota } from '../quota/index.ts'
import type { UploadContext, UploadRow } from './context.ts'
import { endUpload, lockUpload } from './end.ts'
import { requireTakingLink, shownWithContent } from './guests.ts'
import { type KnownBytes, type VerifiedObject, verifyUpload } from './verify.ts'

export type AssetRow = Selectable<AssetTable>

/**
 * The predicate of the partial index `asset_content`, as a literal: with a parameter in its place Postgres no longer knows
 * the index once it plans a named statement for any value, which is from the sixth execution on.
 */
export const isFirst = sql<boolean>`not is_duplicate`

export interface Completion {
  asset: AssetRow
  /** False when the upload had been completed before, or its bytes were already the owner's. */
  created: boolean
}

export async function completeUpload(
  context: UploadContext,
  attempt: Attempt,
  upload: UploadRow,
  known: KnownBytes = {},
): Promise<Completion> {
  if (upload.state !== 'uploading') return settledOutcome(context, upload)
  const started = performance.now()
  try {
    const verified = await verifyUpload(context, upload, known)
    const verifyMilliseconds = performance.now() - started
    const completion =
      (await commitAtOnce(context, attempt, upload, verified, verifyMilliseconds)) ??
      (await transact(context.db, (tx) => commit(context, tx, attempt, upload, verified, verifyMilliseconds)))
    context.fault('complete.committed')
    return completion
  } catch (error) {
    const current = await context.db.selectFrom('upload').selectAll().where('id', '=', upload.id).executeTakeFirst()
    // While the store was asked, another call completed or ended the upload: its outcome is the true one.
    if (current !== undefined && current.state !== 'uploading') return settledOutcome(context, current)
    await recordFailure(context, attempt, upload, error, performance.now() - started)
    throw error
  }
}

/**
 * The usual case in one statement: the upload goes on, its reservation covers its bytes, it goes into no album, and nobody
 * else has these bytes. Each part takes from the one before what it must not be without, so that where an assumption fails
 * a row would lack a value or a unique index its uniqueness, and nothing of the statement happens: then the answer is null,
 * and the transaction below finds out which case it is.
 *
 * That also sets their order: upload, asset, quota, as everything locks them that touches more than one.
 */
async function commitAtOnce(
  context: UploadContext,
  attempt: Attempt,
  upload: UploadRow,
  verified: VerifiedObject,
  verifyMilliseconds: number,
): Promise<Completion | null> {
  const { db, jobs } = context
  if (verified.size > upload.reserved_bytes || upload.album_id !== null) return null
  const row = assetOf(context, upload, verified)
  context.fault('complete.uncommitted')
  try {
    const { job: _, ...asset } = await db
      .with('closed', (queries) =>
        queries
          .updateTable('upload')
          .set({ state: 'completed', asset_id: row.id, reserved_bytes: 0, finished_at: context.now() })
          .where('id', '=', upload.id)
          .where('state', '=', 'uploading')
          .where('reserved_bytes', '=', upload.reserved_bytes)
          .returning(['id', 'grants_until']),
      )
      .with('recorded', (queries) =>
        history.recording(queries, attempt, completed(context, upload, row.id, verified, verifyMilliseconds)),
      )
      .with('published', (queries) => publishing(queries, completion(upload, row.id)))
      .with('made', (queries) =>
        queries
          .insertInto('asset')
          .values({
            ...row,
            upload_id: (eb) => eb.selectFrom('closed').select('id'),
            grants_until: (eb) => eb.selectFrom('closed').select('grants_until'),
          })
          .returningAll(),
      )
      .with('settled', (queries) =>
        quota.settling(queries, sql<string>`(select owner_id from made)`, upload.reserved_bytes, verified.size),
      )
      .selectFrom('made')
      .selectAll()
      .select(jobs.enqueuing(processingOf(context, upload, verified), { assetId: row.id }).as('job'))
      .executeTakeFirstOrThrow()
    return { asset, created: true }
  } catch (error) {
    const isUnusual = isMissing(error, 'upload_id') || violates(error, 'asset_content')
    if (!isUnusual) throw error
    return null
  }
}

async function commit(
  context: UploadContext,
  tx: Tx,
  attempt: Attempt,
  planned: UploadRow,
  verified: VerifiedObject,
  verifyMilliseconds: number,
): Promise<Completion> {
  await requireTakingLink(tx, planned, context.now())
  const upload = await lockUpload(tx, planned.id)
  if (upload === undefined) throw problems.notFound('There is no such upload.')
  if (upload.state !== 'uploading') return settledOutcome({ ...context, db: tx }, upload)

  const { asset, created } = await settleAsset(context, tx, upload, verified)
  await admitIntoAlbum(context, tx, attempt, upload, asset)
  if (!created) {
    // Two uploads of one file: the first made the asset, the second gives its bytes, or the lost ones', back.
    await quota.release(tx, upload.owner_id, upload.reserved_bytes)
  } else {
    await quota.settle(tx, upload.owner_id, upload.reserved_bytes, verified.size)
    await context.jobs.enqueue(tx, processingOf(context, upload, verified), { assetId: asset.id })
  }
  await tx
    .updateTable('upload')
    .set({ state: 'completed', asset_id: asset.id, reserved_bytes: 0, finished_at: context.now() })
    .where('id', '=', upload.id)
    .execute()
  await history.record(tx, attempt, completed(context, upload, asset.id, verified, verifyMilliseconds))
  await publishEvents(tx, [completion(upload, asset.id)])
  context.fault('complete.uncommitted')
  return { asset, created }
}

/** The asset that these bytes become, or are already. */
async function settleAsset(
  context: UploadContext,
  tx: Tx,
  upload: UploadRow,
  verified: VerifiedObject,
): Promise<Completion> {
  const row = assetOf(context, upload, verified)
  const inserted = await insertAsset(tx, row)
  if (inserted !== null) return { asset: inserted, created: true }
  if (upload.link_id === null) return { asset: await claimExisting(context, tx, upload, verified), created: false }

  const shown = await findShown(tx, upload, verified)
  if (shown === undefined) {
    const asset = await tx
      .insertInto('asset')
      .values({ ...row, is_duplicate: true })
      .returningAll()
      .executeTakeFirstOrThrow()
    return { asset, created: true }
  }
  await giveUpObjects(context.jobs, tx, [{ ...upload, reason: 'duplicate' }])
  return { asset: shown, created: false }
}

async function findShown(tx: Tx, upload: UploadRow, { sha256 }: VerifiedObject): Promise<AssetRow | undefined> {
  const { album_id: albumId, owner_id: ownerId } = upload
  if (albumId === null || sha256 === null) return undefined
  return shownWithContent(tx, { albumId, ownerId, sha256 }).executeTakeFirst()
}

async function admitIntoAlbum(
  { now }: UploadContext,
  tx: Tx,
  attempt: Attempt,
  upload: UploadRow,
  asset: AssetRow,
): Promise<void> {
  const { album_id: albumId, link_id: linkId, owner_id: ownerId } = upload
  if (albumId === null) return
  // An album that is gone, or closed to them meanwhile, fails no upload.
  await admitArrival(tx, attempt, { albumId, assetId: asset.id, ownerId, isGuest: linkId !== null, at: now() })
  if (linkId === null) return
  await history.record(tx, attempt, {
    action: 'link.upload',
    objectType: 'link',
    objectId: linkId,
    size: asset.size,
    contentType: asset.content_type,
  })
}

/** Somebody waits for an avatar or a post, and for a few photos; not for each of a whole library. */
function processingOf(
  { pace }: UploadContext,
  upload: UploadRow,
  { kind }: VerifiedObject,
): 'asset:process' | 'asset:process-video' | 'asset:process-bulk' {
  if (upload.purpose === 'library' && pace.isBulk(upload.owner_id)) return 'asset:process-bulk'
  return kind === 'image' ? 'asset:process' : 'asset:process-video'
}

function assetOf(context: UploadContext, upload: UploadRow, verified: VerifiedObject) {
  return {
    id: uuidv7(),
    owner_id: upload.owner_id,
    upload_id: upload.id,
    kind: verified.kind,
    state: 'processing' as const,
    purpose: upload.purpose,
    object_key: upload.object_key,
    filename: upload.filename,
    content_type: verified.contentType,
    size: verified.size,
    sha256: verified.sha256,
    captured_at: upload.captured_at ?? upload.created_at,
    grants_until: upload.grants_until,
    uploaded_at: context.now(),
  }
}

async function insertAsset(tx: Tx, row: ReturnType<typeof assetOf>): Promise<AssetRow | null> {
  const inserted = await tx
    .insertInto('asset')
    .values(row)
    .onConflict((conflict) => conflict.columns(['owner_id', 'sha256']).where(isFirst).doNothing())
    .returningAll()
    .executeTakeFirst()
  return inserted ?? null
}

function completed(
  context: UploadContext,
  upload: UploadRow,
  assetId: string,
  verified: VerifiedObject,
  verifyMilliseconds: number,
): HistoryEvent {
  return {
    action: 'upload.complete',
    objectType: 'asset',
    objectId: assetId,
    size: verified.size,
    contentType: verified.contentType,
    phases: { transfer: context.now().getTime() - upload.created_at.getTime(), verify: verifyMilliseconds },
  }
}

function completion(upload: UploadRow, assetId: string): AccountEvent {
  return { accountId: upload.owner_id, type: 'upload.updated', id: upload.id, state: 'completed', data: { assetId } }
}

/**
 * The asset that has these bytes already, out of the trash if it was there: sending a file again means wanting it. The
 * object of the upload is given up; but where the asset had lost its own, it takes the new one and is whole again.
 */
async function claimExisting(
  context: UploadContext,
  tx: Tx,
  upload: UploadRow,
  verified: VerifiedObject,
): Promise<AssetRow> {
  const row = await tx
    .updateTable('asset')
    .set((eb) => ({ trashed_at: null, version: eb('version', '+', 1) }))
    .where('owner_id', '=', upload.owner_id)
    .where('sha256', '=', verified.sha256)
    .where(isFirst)
    .returningAll()
    .executeTakeFirst()
  // It was purged between the conflict and this look; the client asks again and the insert succeeds.
  if (row === undefined)
    throw problems.unavailable('A copy of this file is being removed right now.', { retryAfter: 1 })
  if (!isLostAsset(row)) {
    await giveUpObjects(context.jobs, tx, [{ ...upload, reason: 'duplicate' }])
    return row
  }
  await giveUpObjects(context.jobs, tx, [
    { object_key: row.object_key, grants_until: row.grants_until, reason: 'lost, uploaded again' },
  ])
  await context.jobs.enqueue(tx, 'asset:process', { assetId: row.id })
  return tx
    .updateTable('asset')
    .set({
      state: 'processing',
      failure: null,
      object_key: upload.object_key,
      grants_until: upload.grants_until,
    })
    .where('id', '=', row.id)
    .returningAll()
    .executeTakeFirstOrThrow()
}

async function settledOutcome(context: Pick<UploadContext, 'db'>, upload: UploadRow): Promise<Completion> {
  if (upload.state === 'completed' && upload.asset_id !== null) {
    const asset = await context.db.selectFrom('asset').selectAll().where('id', '=', upload.asset_id).executeTakeFirst()
    if (asset !== undefined) return { asset, created: false }
    throw problems.notFound('The asset this upload became has been deleted.')
  }
  throw problems.uploadClosed(
    upload.state === 'expired'
      ? 'The upload took too long and was cleared. Plan it again.'
      : 'The upload was ended. Plan it again.',
    { extensions: { state: upload.state, failure: upload.failure } },
  )
}

async function recordFailure(
  context: UploadContext,
  attempt: Attempt,
  upload: UploadRow,
  error: unknown,
  milliseconds: number,
) {
  await context.db.transaction().execute(async (tx) => {
    // Wrong bytes never become right: the upload ends, its bytes and its reservation go.
    if (isProblem(error) && error.status === 422) {
      await endUpload(context, tx, upload.id, { state: 'aborted', failure: error.code })
    }
    await history.record(tx, attempt, {
      action: 'upload.complete',
      objectType: 'upload',
      objectId: upload.id,
      size: upload.size,
      contentType: upload.content_type,
      phases: { verify: milliseconds },
      errorClass: errorClass(error),
    })
  })
}
