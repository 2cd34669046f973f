/**
 * One tus request: the protocol by `@tus/server`, over the upload's row and the store. A session is made for each request,
 * so that everything it does knows whose it is. The body does not go through the library, which would pass it through
 * four streams: its `write` reads the request itself.
 *
 * Uploads are rows like any other: planned (and the quota reserved) at creation, completed with the last byte, aborted by
 * termination. An upload whose bytes are all there but whose completion failed is completed by the next HEAD, so that an
 * offset equal to the length always means that the asset exists.
 */
import { DataStore, ERRORS, Server, Upload } from '@tus/server'
import type { Attempt } from '../../history/index.ts'
import { isProblem, type Problem, problems } from '../../problem.ts'
import type { UploadRow } from '../context.ts'
import { declareSize } from '../declare.ts'
import { describe } from '../metadata.ts'
import { growReservation } from '../plan.ts'
import type { Uploads } from '../uploads.ts'
import type { Lease, Leases } from './leases.ts'
import { type Incoming, type ReceiveContext, receiveBody } from './receive.ts'
import { giveUpTails, readStock, type Stock } from './stock.ts'

export const tusPath = '/v1/tus'
export const tusExtensions = [
  'creation',
  'creation-with-upload',
  'creation-defer-length',
  'expiration',
  'termination',
] as const

export interface SessionDeps {
  context: ReceiveContext
  uploads: Uploads
  leases: Leases
}

export interface SessionRequest {
  attempt: Attempt
  ownerId: string
  incoming: Incoming
  /** Ends the body, since another request wants the upload. */
  stop(): void
}

export interface TusSession {
  /** Throws a `Problem`, or what failed. */
  handle(request: Request): Promise<Response>
  /** The upload as last seen; null when none was made. */
  upload(): UploadRow | null
}

/** Milliseconds for a request that must give way to another. */
const drainTimeout = 100
const nothing: Stock = { parts: [], partsEnd: 0, tail: null, stale: [], offset: 0 }

export function createTusSession({ context, uploads, leases }: SessionDeps, request: SessionRequest): TusSession {
  const { attempt, ownerId, incoming } = request
  let upload: UploadRow | null = null
  let stock: Stock = nothing
  let lease: Lease | null = null
  let failure: { error: unknown } | null = null

  const store = Object.assign(new DataStore(), {
    extensions: [...tusExtensions],
    getExpiration: () => context.limits.uploadLifetime * 1000,
    create: async (file: Upload) => file,

    async getUpload(id: string): Promise<Upload> {
      const row = await load(id)
      if (row.state === 'uploading') {
        const found = await readStock(context, row)
        stock = found ?? nothing
        const offset = found?.offset ?? row.size ?? 0
        if (offset !== row.size) return present(row, offset)
        await finish(row)
      }
      return present(row, row.size ?? 0)
    },

    async write(_stream: unknown, id: string): Promise<number> {
      const row = upload ?? (await load(id))
      return receiveBody(context, row, stock, within(row, stock.offset), {
        mayWrite: () => lease?.isHeld() ?? false,
        reserve: (end) => reserveUpTo(row, end),
      })
    },

    async declareUploadLength(id: string, size: number): Promise<void> {
      upload = await declareSize(context, id, { size })
    },

    async remove(id: string): Promise<void> {
      const row = await load(id)
      const left = row.state === 'uploading' ? await readStock(context, row) : null
      await uploads.abort(attempt, row)
      if (left !== null) await giveUpTails(context, [...left.stale, ...(left.tail === null ? [] : [left.tail.key])])
    },
  })

  const server = new Server({
    path: tusPath,
    datastore: store,
    relativeLocation: true,
    lockDrainTimeout: drainTimeout,
    locker: {
      newLock(id) {
        const lock = leases.newLock(id)
        lease = lock
        return {
          unlock: () => lock.unlock(),
          lock: (signal, requestRelease) =>
            lock.lock(signal, () => {
              request.stop()
              return requestRelease()
            }),
        }
      },
    },
    async namingFunction(creation, metadata) {
      const length = creation.headers.get('upload-length')
      upload = await uploads.plan(attempt, {
        ...describe(metadata ?? {}),
        ownerId,
        size: length === null ? null : Number(length),
        sha256: null,
        strategy: 'multipart',
        protocol: 'tus',
      })
      return upload.id
    },
    async onUploadFinish(_request, { id }) {
      const asset = await finish(await load(id))
      return { headers: { Location: `/v1/assets/${asset.id}` } }
    },
    onResponseError(_request, error) {
      failure = { error }
      return undefined
    },
  })

  async function load(id: string): Promise<UploadRow> {
    const row = await findTusUpload(uploads, ownerId, id)
    requireLive(row, context.now())
    upload = row
    return row
  }

  async function finish(row: UploadRow) {
    const { asset } = await uploads.complete(attempt, row)
    upload = await uploads.own(ownerId, row.id)
    return asset
  }

  /** The bytes of an upload of unknown size are set aside before they are stored. */
  async function reserveUpTo(row: UploadRow, end: number): Promise<void> {
    const missing = end - row.reserved_bytes
    if (row.size !== null || missing <= 0) return
    await growReservation(context, row, missing)
    row.reserved_bytes = end
  }

  /** A chunked body may try to run over; one with a length was refused before. */
  function within(row: UploadRow, offset: number): Incoming {
    let room = (row.size ?? context.limits.maxFileSize) - offset
    return {
      length: incoming.length,
      async next() {
        const chunk = await incoming.next()
        room -= chunk?.length ?? 0
        if (room < 0) throw problems.fileTooLarge('More bytes came than the upload was declared to have.')
        return chunk
      },
    }
  }

  return {
    upload: () => upload,
    async handle(webRequest) {
      const response = await server.handleWeb(webRequest)
      if (failure !== null) throw toTusProblem(failure.error)
      if (response.status >= 400) throw problemOf(response.status, await response.text())
      return response
    },
  }
}

/** Throws `not-found` also for an upload that came by another protocol. */
export async function findTusUpload(uploads: Uploads, ownerId: string, id: string): Promise<UploadRow> {
  const row = await uploads.own(ownerId, id)
  if (row.protocol !== 'tus') throw problems.notFound('There is no such upload.')
  return row
}

function present(row: UploadRow, offset: number): Upload {
  return new Upload({
    id: row.id,
    offset,
    ...(row.size === null ? {} : { size: row.size }),
    metadata: { filename: row.filename, filetype: row.content_type, purpose: row.purpose },
    // Expiry is judged by the row; the library, which counts from the creation, has nothing to add.
    creation_date: new Date().toISOString(),
  })
}

function requireLive(row: UploadRow, now: Date): void {
  if (row.state === 'completed' || (row.state === 'uploading' && row.expires_at > now)) return
  throw problems.uploadGone(
    row.state === 'aborted'
      ? 'The upload was ended, and what had arrived of it was removed. Upload the file again.'
      : 'The upload took too long and was cleared. Upload the file again.',
    { extensions: { failure: row.failure } },
  )
}

function toTusProblem(error: unknown): unknown {
  if (isProblem(error) || typeof error !== 'object' || error === null) return error
  if (error === ERRORS.ABORTED) {
    return problems.uploadLocked('Another request took this upload over.', { retryAfter: 1 })
  }
  const { status_code: status, body } = error as { status_code?: unknown; body?: unknown }
  return typeof status === 'number' ? problemOf(status, String(body)) : error
}

/** What the library answers in a line of text, as a problem document. */
function problemOf(status: number, text: string): Problem {
  const detail = text.trim()
  if (status === 404) return problems.notFound(detail)
  if (status === 409) return problems.conflict(detail)
  if (status === 410) return problems.uploadGone(detail)
  if (status === 412) return problems.preconditionFailed(detail)
  if (status === 413) return problems.fileTooLarge(detail)
  return status < 500 || status === 501 ? problems.invalidRequest(detail) : problems.internal(detail)
}
