/**
 * The upload life as one object of functions: plan → parts → complete, or abort, or expire. The HTTP routes, the tus and
 * the Uppy doors all stand on it.
 */
import type { Readable } from 'node:stream'
import { addOwnAssets, openForAdding } from '../albums/index.ts'
import { isLost } from '../assets/index.ts'
import type { Tx } from '../engines/database/database.ts'
import type { Purpose } from '../engines/database/schema.ts'
import { type Attempt, errorClass, history } from '../history/index.ts'
import { problems } from '../problem.ts'
import { type AssetRow, type Completion, completeUpload, isFirst } from './complete.ts'
import type { Sender, UploadContext, UploadRow } from './context.ts'
import { abortUpload } from './end.ts'
import { endGuestUploads, shownWithContent } from './guests.ts'
import { type PlanRequest, planUpload } from './plan.ts'
import { type StreamRequest, streamUpload } from './stream.ts'
import { expectedParts, extendGrants, maxSignedParts, type Strategy, signParts, type TransferPart } from './transfer.ts'
import { receivedParts } from './verify.ts'

export interface DirectRequest {
  ownerId: string
  filename: string
  size: number
  contentType: string
  sha256: Uint8Array | null
  purpose: Purpose
  /** The asset goes into it at completion. */
  albumId?: string | null
  /** The link by which a guest uploads into that album of the owner. */
  linkId?: string | null
  capturedAt: Date | null
  strategy: Strategy
}

export type Planned = { upload: UploadRow; parts: TransferPart[] } | { duplicateOf: AssetRow }

export type Uploads = ReturnType<typeof createUploads>

export function createUploads(context: UploadContext) {
  const { db, store } = context
  /** Completions of one upload that come at once in this process share one look at the store. */
  const completing = new Map<string, Promise<Completion>>()

  async function own(ownerId: string, id: string): Promise<UploadRow> {
    const row = await db
      .selectFrom('upload')
      .selectAll()
      .where('id', '=', id)
      .where('owner_id', '=', ownerId)
      .executeTakeFirst()
    if (row === undefined) throw noSuchUpload()
    return row
  }

  /** A guest reaches what came by their link and nothing else of the owner's. */
  async function of(sender: Sender, id: string): Promise<UploadRow> {
    const row = await own(sender.ownerId, id)
    if (sender.linkId !== null && row.link_id !== sender.linkId) throw noSuchUpload()
    return row
  }

  async function recorded<T>(attempt: Attempt, request: PlanRequest, plan: () => Promise<T>): Promise<T> {
    try {
      return await plan()
    } catch (error) {
      await history.record(db, attempt, {
        action: 'upload.plan',
        objectType: 'upload',
        size: request.size,
        contentType: request.contentType,
        errorClass: errorClass(error),
      })
      throw error
    }
  }

  return {
    context,
    own,
    of,

    /** Any row of `upload` for the protocols that know their client by a token of the upload itself. */
    async plan(attempt: Attempt, request: PlanRequest): Promise<UploadRow> {
      return recorded(attempt, request, () => planUpload(context, attempt, request))
    },

    /**
     * A plan with the URLs of its first parts; or the asset that holds these bytes already, which is in the album by then,
     * and nothing is reserved. Throws `not-found` or `forbidden` for an album they cannot add to.
     */
    async planDirect(attempt: Attempt, request: DirectRequest): Promise<Planned> {
      await requireOpen(request)
      const duplicate = await findDuplicate(request)
      if (duplicate !== undefined) {
        if (request.albumId != null && request.linkId == null) {
          await addOwnAssets(context, attempt, request.ownerId, request.albumId, [duplicate.id])
        }
        return { duplicateOf: duplicate }
      }
      const upload = await this.plan(attempt, { ...request, protocol: 'direct' })
      return { upload, parts: await signParts(context, upload, expectedParts(upload).slice(0, maxSignedParts)) }
    },

    /** Signs the parts `numbers` of an upload that goes on, again if need be. */
    async signParts(upload: UploadRow, numbers: Set<number>): Promise<TransferPart[]> {
      if (upload.state !== 'uploading') throw problems.uploadClosed('The upload is over; no more bytes can be sent.')
      if (upload.protocol !== 'direct') throw problems.conflict(`The bytes of this upload come by ${upload.protocol}.`)
      const parts = expectedParts(upload).filter((part) => numbers.has(part.number))
      if (parts.length !== numbers.size) {
        throw problems.invalidRequest(`The upload has parts 1 to ${upload.part_count ?? 1}.`, {
          errors: [{ path: '/query/numbers', message: 'names parts that do not exist' }],
        })
      }
      await extendGrants(context, upload.id)
      return signParts(context, upload, parts)
    },

    /** The parts the store holds; none once the upload is over. */
    async received(upload: UploadRow): Promise<{ number: number; size: number }[]> {
      return upload.state === 'uploading' ? receivedParts(store, upload) : []
    },

    complete(attempt: Attempt, upload: UploadRow): Promise<Completion> {
      const running = completing.get(upload.id)
      if (running !== undefined) return running.then((completion) => ({ ...completion, created: false }))
      const completion = completeUpload(context, attempt, upload).finally(() => completing.delete(upload.id))
      completing.set(upload.id, completion)
      return completion
    },

    abort(attempt: Attempt, upload: UploadRow): Promise<void> {
      return abortUpload(context, attempt, upload)
    },

    /** Ends what guests are sending by a link that takes no more, in the transaction that closes it. */
    endOfLink(tx: Tx, linkId: string): Promise<void> {
      return endGuestUploads(context, tx, linkId)
    },

    async stream(attempt: Attempt, request: StreamRequest, body: Readable): Promise<Completion> {
      await requireOpen(request)
      return streamUpload(context, attempt, request, body)
    },
  }

  /** A guest has been let in by the link. */
  async function requireOpen({
    ownerId,
    albumId,
    linkId,
    purpose,
  }: Omit<DirectRequest, 'size' | 'contentType' | 'sha256' | 'strategy'>) {
    if (albumId == null || linkId != null) return
    if (purpose !== 'library') {
      throw problems.invalidRequest('Only what belongs to the library goes into an album.', {
        errors: [{ path: '/albumId', message: 'goes with the purpose library alone' }],
      })
    }
    await openForAdding(db, ownerId, albumId)
  }

  /**
   * Of the owner's library guests are told what the album shows, and send again what is elsewhere. So does whoever wants it
   * in an album and has it in the trash, since completion takes it out.
   */
  async function findDuplicate({ ownerId, sha256, albumId, linkId }: DirectRequest): Promise<AssetRow | undefined> {
    if (sha256 === null) return undefined
    if (linkId != null) {
      return albumId == null ? undefined : shownWithContent(db, { albumId, ownerId, sha256 }).executeTakeFirst()
    }
    const found = await findByContent(ownerId, sha256)
    return albumId != null && found?.trashed_at != null ? undefined : found
  }

  async function findByContent(ownerId: string, sha256: Uint8Array): Promise<AssetRow | undefined> {
    return (
      db
        .selectFrom('asset')
        .selectAll()
        .where('owner_id', '=', ownerId)
        .where('sha256', '=', sha256)
        .where(isFirst)
        // One whose bytes are lost wants them again.
        .where((eb) => eb.not(isLost))
        .executeTakeFirst()
    )
  }
}

function noSuchUpload() {
  return problems.notFound('There is no such upload.')
}
