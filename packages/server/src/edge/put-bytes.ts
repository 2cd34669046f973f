/**
 * `PUT /u/…`: takes one object, or one part of a multipart, exactly as its signed grant says. Nothing is visible under
 * the key before it is whole, checked and durable; a client that goes away leaves nothing. A repeated PUT of an object
 * that is there answers 412, which a client takes as stored; a part of an upload that is over answers 409.
 */
import type { UploadGrant, Verifier } from '@heliograph/signing'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ObjectStore } from '../engines/object-store/object-store.ts'
import type { Admission } from '../http/admission.ts'
import { closeWhenSilent } from '../http/silent-client.ts'
import { problems } from '../problem.ts'
import { expectedDigest } from './digest-headers.ts'
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
    const finish: (() => void)[] = []
    const receivedBefore = request.raw.socket.bytesRead
    try {
      // Before anything that costs: being full is when there is least to spare.
      finish.push(admission.enter())
      const grant = await verifier.upload(request.raw.url ?? '')
      transfer.verified(grant)
      const options = { ...sizeOptions(grant, request), ...digestOption(request) }
      finish.push(closeWhenSilent(request.raw, reply.raw, idleSeconds))
      // The request itself, with nothing in between: at a thousand bodies at once each stream more costs a fifth.
      const body = request.raw
      const { size, etag } =
        grant.upload === null || grant.part === null
          ? await store.put(grant.key, body, { ...options, contentType: grant.type })
          : await store.putPart(grant.key, grant.upload, grant.part, body, options)
      meter.bytesIn(size)
      transfer.succeeded(size)
      return reply.code(200).header('etag', etag).send()
    } catch (error) {
      // What came with the header is not counted, nor are these bytes exact; they were for nothing.
      const received = request.raw.socket.bytesRead - receivedBefore
      meter.bytesIn(received)
      if (request.raw.complete || !request.raw.destroyed) throw transfer.failed(error, received)
      transfer.broken(new ClientGone(), received)
      return reply.hijack()
    } finally {
      for (const end of finish) end()
    }
  }
}

/** The connection broke before the body was whole; nobody is left to answer. */
class ClientGone extends Error {
  constructor() {
    super('The client closed the connection before the end of the body')
    this.name = 'ClientGone'
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
