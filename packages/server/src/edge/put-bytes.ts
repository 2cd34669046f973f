/**
 * `PUT /u/…`: takes one object, or one part of a multipart, exactly as its signed grant says. Nothing is visible under
 * the key before it is whole, checked and durable; a client that goes away leaves nothing. A repeated PUT of an object
 * that is there answers 412, which a client takes as stored; a part of an upload that is over answers 409.
 */
import type { Readable } from 'node:stream'
import type { UploadGrant, Verifier } from '@heliograph/signing'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ObjectStore } from '../engines/object-store/object-store.ts'
import { problems } from '../problem.ts'
import type { Admission } from './admission.ts'
import { expectedDigest } from './digest-headers.ts'
import { ClientGone, incomingBody } from './incoming-body.ts'
import { createTransfer, type Meter, type RecordTransfer } from './transfer.ts'

export interface PutBytesOptions {
  store: Pick<ObjectStore, 'put' | 'putPart'>
  verifier: Pick<Verifier, 'upload'>
  admission: Admission
  meter: Meter
  record: RecordTransfer
  /** Seconds a client may be silent in the middle of its body. */
  idleSeconds: number
}

export function putBytes({ store, verifier, admission, meter, record, idleSeconds }: PutBytesOptions) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const transfer = createTransfer('upload.part', request, record)
    let body: Readable | null = null
    let leave: (() => void) | null = null
    try {
      // Before anything that costs: being full is when there is least to spare.
      leave = admission.enter()
      const grant = await verifier.upload(request.raw.url ?? '')
      transfer.verified(grant)
      const options = { ...sizeOptions(grant, request), ...digestOption(request) }
      body = incomingBody(request.raw, reply.raw, {
        idleSeconds,
        onBytes(count) {
          transfer.moved(count)
          meter.bytesIn(count)
        },
      })
      const { etag } =
        grant.upload === null || grant.part === null
          ? await store.put(grant.key, body, { ...options, contentType: grant.type })
          : await store.putPart(grant.key, grant.upload, grant.part, body, options)
      transfer.succeeded()
      return reply.code(200).header('etag', etag).send()
    } catch (error) {
      if (!(body?.errored instanceof ClientGone)) throw transfer.failed(error)
      transfer.broken(body.errored)
      return reply.hijack()
    } finally {
      body?.destroy()
      leave?.()
    }
  }
}

/** What is plainly wrong is refused before a byte is read; a chunked body is measured by the store as it arrives. */
function sizeOptions(grant: UploadGrant, request: FastifyRequest): { size?: number; maxSize?: number } {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers
  // Without either header there is no body (RFC 9112 section 6.3).
  const declared = encoding === undefined ? Number(length ?? 0) : null
  if (declared !== null && grant.size !== null && declared !== grant.size) {
    throw problems.sizeMismatch(`This URL takes exactly ${grant.size} bytes and the request declares ${declared}.`)
  }
  if (declared !== null && grant.maxSize !== null && declared > grant.maxSize) {
    throw problems.fileTooLarge(`This URL takes at most ${grant.maxSize} bytes and the request declares ${declared}.`)
  }
  const size = grant.size ?? declared
  return { ...(size === null ? {} : { size }), ...(grant.maxSize === null ? {} : { maxSize: grant.maxSize }) }
}

function digestOption(request: FastifyRequest) {
  const digest = expectedDigest(request.headers)
  return digest === null ? {} : { digest }
}
