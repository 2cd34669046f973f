/**
 * The first step of an upload: the quota is reserved and the row written in one transaction, and only then are URLs given
 * out. A multipart is opened at the store before, since nothing does I/O inside a transaction; should this process die
 * between the two, the multipart has no row and the sweep aborts it.
 */
import { randomBytes } from 'node:crypto'
import type { Insertable } from 'kysely'
import { v7 as uuidv7 } from 'uuid'
import { type Db, isMissing } from '../engines/database/database.ts'
import type { Purpose, UploadProtocol, UploadTable } from '../engines/database/schema.ts'
import { type Attempt, history } from '../history/index.ts'
import { problems } from '../problem.ts'
import { quota } from '../quota/index.ts'
import { grantsUntil, type UploadContext, type UploadRow } from './context.ts'
import { cleanFilename } from './filename.ts'
import { declaredType } from './media-type.ts'
import { planTransfer, type Strategy } from './transfer.ts'

export interface PlanRequest {
  ownerId: string
  filename: string
  /** Bytes; null when the client cannot say (a stream, a form). */
  size: number | null
  contentType: string | null
  /** 32 bytes. */
  sha256: Uint8Array | null
  purpose: Purpose
  /** The album its asset goes into at completion, one that its owner may add to. */
  albumId?: string | null
  /** The link by which a guest uploads into that album. */
  linkId?: string | null
  capturedAt: Date | null
  strategy: Strategy
  protocol: UploadProtocol
  /** Seconds until it is cleared; `UPLOAD_LIFETIME` when absent. */
  lifetime?: number
}

/** Object keys are random and carry nothing a user typed. */
export function newObjectKey(): string {
  return `originals/${randomBytes(16).toString('hex')}`
}

/**
 * Throws `empty-file`, `file-too-large`, `unsupported-type` or `quota-exceeded`, and then nothing was reserved.
 * With an unknown size nothing is reserved either: `growReservation` does it as bytes become known.
 */
export async function planUpload(context: UploadContext, attempt: Attempt, request: PlanRequest): Promise<UploadRow> {
  const { db, store, limits } = context
  const filename = cleanFilename(request.filename)
  const contentType = acceptedType(request.contentType, filename)
  if (request.size !== null) checkSize(request.size, limits.maxFileSize)

  const key = newObjectKey()
  // Only a direct upload is told its parts beforehand; with the other protocols they come as they come.
  const transfer =
    request.size === null || request.protocol !== 'direct'
      ? { strategy: request.strategy }
      : planTransfer(request.size, request.strategy, store.maxParts)
  const storeUploadId = transfer.strategy === 'multipart' ? await store.createMultipart(key, { contentType }) : null
  context.fault('plan.multipart-created')

  try {
    const row = await insertUpload(db, attempt, request, {
      id: uuidv7(),
      owner_id: request.ownerId,
      protocol: request.protocol,
      purpose: request.purpose,
      object_key: key,
      filename,
      content_type: contentType,
      size: request.size,
      sha256: request.sha256,
      captured_at: request.capturedAt,
      album_id: request.albumId ?? null,
      link_id: request.linkId ?? null,
      store_upload_id: storeUploadId,
      part_size: 'partSize' in transfer ? transfer.partSize : null,
      part_count: 'partCount' in transfer ? transfer.partCount : null,
      grants_until: grantsUntil(context),
      expires_at: new Date(context.now().getTime() + (request.lifetime ?? limits.uploadLifetime) * 1000),
    })
    context.fault('plan.committed')
    return row
  } catch (error) {
    if (storeUploadId !== null) await store.abortMultipart(key, storeUploadId)
    throw error
  }
}

/**
 * Reservation, row and event in one statement, so that the account's quota is locked for a moment and not for the length of
 * a transaction. The row takes its reservation from the update of the quota: where that finds no room there is none to
 * take, and a row without is impossible (`reserved_bytes` is NOT NULL), so nothing of the statement happens.
 */
async function insertUpload(
  db: Db,
  attempt: Attempt,
  request: PlanRequest,
  row: Omit<Insertable<UploadTable>, 'reserved_bytes'>,
): Promise<UploadRow> {
  const bytes = request.size ?? 0
  try {
    return await db
      .with('reserved', (queries) => quota.reserving(queries, request.ownerId, bytes))
      .with('recorded', (queries) =>
        history.recording(queries, attempt, {
          action: 'upload.plan',
          objectType: 'upload',
          objectId: row.id,
          size: request.size,
          contentType: row.content_type,
        }),
      )
      .insertInto('upload')
      .values({ ...row, reserved_bytes: (eb) => eb.selectFrom('reserved').select('bytes') })
      .returningAll()
      .executeTakeFirstOrThrow()
  } catch (error) {
    if (!isMissing(error, 'reserved_bytes')) throw error
    const exceeded = await quota.exceeded(db, request.ownerId, bytes)
    // How much the owner has, and has left, is no guest's affair.
    throw request.linkId == null ? exceeded : problems.quotaExceeded('The owner of this album has no room left for it.')
  }
}

/** The type to plan with; throws `unsupported-type` (415) for what is no photo and no video. */
export function acceptedType(contentType: string | null, filename: string): string {
  const type = declaredType(contentType, filename)
  if (type !== null) return type
  throw problems.unsupportedType(
    `${contentType} is not a photo or video. Accepted are JPEG, PNG, WebP, GIF, AVIF, HEIC, JPEG XL, TIFF, SVG, camera RAW, MP4, QuickTime, WebM, Matroska, AVI and MPEG.`,
  )
}

export function checkSize(size: number, maxFileSize: number): void {
  if (size === 0) throw problems.emptyFile('The file has no bytes, so there is nothing to keep. Choose another file.')
  if (size > maxFileSize) {
    throw problems.fileTooLarge(`The file has ${size} bytes and this server takes ${maxFileSize} at most.`, {
      extensions: { maxFileSize },
    })
  }
}

/** Sets `bytes` more aside for an upload whose size shows only as it arrives. */
export async function growReservation(context: UploadContext, upload: UploadRow, bytes: number): Promise<void> {
  await context.db.transaction().execute(async (tx) => {
    const { numUpdatedRows } = await tx
      .updateTable('upload')
      .set((eb) => ({ reserved_bytes: eb('reserved_bytes', '+', bytes) }))
      .where('id', '=', upload.id)
      .where('state', '=', 'uploading')
      .executeTakeFirst()
    if (numUpdatedRows === 0n) throw problems.uploadClosed('The upload was ended meanwhile.')
    await quota.reserve(tx, upload.owner_id, bytes)
  })
}
