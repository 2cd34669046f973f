/**
 * `GET|HEAD /m/…`: serves one object as its signed grant says, never as the visitor asks: type, disposition and name are
 * signed, and `nosniff` and a sandbox hold browsers to them. A client that stops ends the read of the store; a read that
 * fails half-way breaks the connection, since a short file must not look whole.
 */
import type { Readable } from 'node:stream'
import type { DeliveryGrant, Verifier } from '@heliograph/signing'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { contentDisposition, safeDisposition } from '../delivery/index.ts'
import type { ByteRange, ObjectInfo, ObjectStore } from '../engines/object-store/object-store.ts'
import { problems } from '../problem.ts'
import { parseRange } from './byte-ranges.ts'
import { multipartRanges } from './multipart-ranges.ts'
import { evaluatePreconditions, rangeApplies } from './preconditions.ts'
import { createTransfer, type Meter, type RecordTransfer, type Transfer } from './transfer.ts'

export interface GetBytesOptions {
  store: Pick<ObjectStore, 'head' | 'get'>
  verifier: Pick<Verifier, 'delivery'>
  meter: Meter
  record: RecordTransfer
  /** Seconds a client may take nothing of what waits for it. */
  idleSeconds: number
  now: () => Date
}

export function getBytes({ store, verifier, meter, record, idleSeconds, now }: GetBytesOptions) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const transfer = createTransfer('asset.download', request, record)
    try {
      const grant = await verifier.delivery(request.raw.url ?? '')
      transfer.verified(grant)
      const info = await store.head(grant.key)
      if (info === null) throw problems.notFound('The file is gone.')
      const answer = chooseAnswer(request, grant, info, store)
      if (answer.status === 412) throw problems.preconditionFailed('The file is not the one the request names.')
      if (answer.status === 416) {
        reply.header('content-range', `bytes */${info.size}`)
        throw problems.rangeNotSatisfiable(`The file has ${info.size} bytes.`)
      }

      const isWithBody = request.method === 'GET' && answer.open !== null
      const body = isWithBody && answer.open !== null ? await answer.open() : null
      reply.code(answer.status).headers({ ...commonHeaders(info, grant, now()), ...answer.headers })
      if (body === null) {
        transfer.succeeded(0)
        return reply.send()
      }
      reply.raw.setTimeout(idleSeconds * 1000)
      watch(request, reply, body, transfer, meter)
      return reply.send(body)
    } catch (error) {
      throw transfer.failed(error, 0)
    }
  }
}

interface Answer {
  status: 200 | 206 | 304 | 412 | 416
  headers: Record<string, string | number>
  /** Null for an answer without a body. */
  open: (() => Promise<Readable>) | null
}

function chooseAnswer(
  request: FastifyRequest,
  grant: DeliveryGrant,
  info: ObjectInfo,
  store: GetBytesOptions['store'],
) {
  const read = async (range?: ByteRange) => {
    const { body } = await store.get(grant.key, range === undefined ? {} : { range })
    return body
  }
  const { headers, method } = request
  const verdict = evaluatePreconditions(headers, info)
  if (verdict === 'failed') return empty(412)
  if (verdict === 'not-modified') return empty(304)

  const entity = {
    'content-type': grant.type,
    'content-disposition': contentDisposition(safeDisposition(grant.type, grant.disposition), grant.filename),
  }
  // Ranges are defined for GET alone (RFC 9110 section 14.2).
  const ranges = method === 'GET' && rangeApplies(headers, info) ? parseRange(headers.range, info.size) : null
  const [first] = ranges ?? []
  if (ranges === null) return content(200, { ...entity, 'content-length': info.size }, () => read())
  if (first === undefined) return empty(416)
  if (ranges.length > 1) {
    const parts = multipartRanges(ranges, { type: grant.type, size: info.size }, read)
    const head = { ...entity, 'content-type': parts.contentType, 'content-length': parts.length }
    return content(206, head, async () => parts.open())
  }
  const { start, end } = first
  const partial = { 'content-length': end - start + 1, 'content-range': `bytes ${start}-${end}/${info.size}` }
  return content(206, { ...entity, ...partial }, () => read(first))
}

const empty = (status: 304 | 412 | 416): Answer => ({ status, headers: {}, open: null })

const content = (status: 200 | 206, headers: Answer['headers'], open: () => Promise<Readable>): Answer => ({
  status,
  headers,
  open,
})

function commonHeaders(info: ObjectInfo, grant: DeliveryGrant, now: Date) {
  const remaining = Math.max(0, grant.expires - Math.ceil(now.getTime() / 1000))
  return {
    etag: info.etag,
    'last-modified': info.lastModified.toUTCString(),
    'accept-ranges': 'bytes',
    'cache-control': `private, max-age=${remaining}, immutable`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': 'sandbox',
  }
}

/** Sees how the response ends, which is after the handler has returned. */
function watch(request: FastifyRequest, reply: FastifyReply, body: Readable, transfer: Transfer, meter: Meter): void {
  const { socket } = request.raw
  const before = socket.bytesWritten
  const onClose = () => {
    // On the socket, so that what a stopped client never took is not counted; the headers are, a few hundred bytes.
    const sent = socket.bytesWritten - before
    meter.bytesOut(sent)
    if (reply.raw.writableFinished) transfer.succeeded(sent)
    else transfer.broken(body.errored ?? new DownloadStopped(), sent)
    body.destroy()
  }
  // It may have gone while the store was asked, and will not say so again.
  if (reply.raw.closed) onClose()
  else reply.raw.once('close', onClose)
}

class DownloadStopped extends Error {
  constructor() {
    super('The client closed the connection before the end of the file')
    this.name = 'DownloadStopped'
  }
}
