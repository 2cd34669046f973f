/**
 * `GET|HEAD /m/…`: serves one object as its signed grant says, never as the visitor asks: type, disposition and name are
 * signed, and `nosniff` and a sandbox hold browsers to them. A client that stops ends the read of the store; a read that
 * fails half-way breaks the connection, since a short file must not look whole.
 */
import type { OutgoingHttpHeaders } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ByteRange, ObjectInfo } from '../engines/object-store/object-store.ts'
import type { Admission } from '../http/admission.ts'
import { problems } from '../problem.ts'
import { type Accel, verdictLife } from './accel.ts'
import { type Answer, acceptRanges, chooseAnswer, commonHeaders, entityHeaders } from './answer.ts'
import type { Permit } from './delivery-grant.ts'
import { multipartRanges } from './multipart-ranges.ts'
import type { QuickAnswers } from './quick-answers.ts'
import type { RecentObjects } from './recent-objects.ts'
import { createBuffers, type Segment, sendBody } from './send-body.ts'
import type { ByteSource } from './source.ts'
import { createTransfer, type Meter, type RecordTransfer, type Transfer } from './transfer.ts'
import { openFor, watchDownload } from './watch-download.ts'

export interface GetBytesOptions {
  source: ByteSource
  recent: RecentObjects
  quick: Pick<QuickAnswers, 'learn'>
  permit: Permit
  /** Answers under way at once. */
  admission: Admission
  /** Null when nobody in front of this edge can send files. */
  accel: Accel | null
  meter: Meter
  record: RecordTransfer
  /** Seconds a client may take nothing of what waits for it. */
  idleSeconds: number
  now: () => Date
}

/** Small ones as they are; of others the first segment can be read at once. */
type Body = Buffer | { segments: Segment[]; length: number }
type Content = Exclude<Answer, { kind: 'not-modified' | 'outside' }>

export function getBytes(options: GetBytesOptions) {
  const { source, recent, quick, permit, admission, accel, meter, record, idleSeconds, now } = options
  const buffers = createBuffers()

  /** What is to be sent after the header, opened so far that it can be had; null where there is nothing. */
  async function contentOf(
    answer: Content,
    info: ObjectInfo,
    type: string,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<{ status: number; headers: Record<string, string | number>; body: Body | null }> {
    const open = (range: ByteRange) => openFor(reply, (gone) => source.open(info, range, gone))
    const whole = async (range: ByteRange) => {
      const reader = await open(range)
      return { segments: [() => Promise.resolve(reader)], length: range.end - range.start + 1 }
    }
    switch (answer.kind) {
      case 'whole': {
        const headers = { 'content-length': info.size }
        if (request.method === 'HEAD' || info.size === 0) return { status: 200, headers, body: null }
        const body = recent.isSmall(info) ? await recent.read(info) : await whole({ start: 0, end: info.size - 1 })
        return { status: 200, headers, body }
      }
      case 'part': {
        const { start, end } = answer.range
        const headers = { 'content-length': end - start + 1, 'content-range': `bytes ${start}-${end}/${info.size}` }
        return { status: 206, headers, body: await whole(answer.range) }
      }
      case 'parts': {
        const parts = multipartRanges(answer.ranges, { type, size: info.size }, open)
        const headers = { 'content-type': parts.contentType, 'content-length': parts.length }
        return { status: 206, headers, body: parts }
      }
    }
  }

  async function answerRequest(request: FastifyRequest, reply: FastifyReply, transfer: Transfer) {
    const grant = await permit(request)
    transfer.verified(grant)
    const info = await recent.head(grant.key)
    if (info === null) throw problems.notFound('The file is gone.')
    const shown = accel === null ? info : accel.described(info)

    const redirect = accel === null ? null : await accel.redirectOf(request, info)
    if (redirect !== null) {
      // What nginx sends of it, its own log knows.
      reply.headers({ ...commonHeaders(shown, grant, now()), ...entityHeaders(grant) })
      reply.headers({ 'x-accel-redirect': redirect, 'x-accel-expires': verdictLife(grant, now()) })
      quick.learn(request, grant, info, reply.getHeaders())
      return null
    }

    const answer = chooseAnswer(request, shown)
    if (answer.kind === 'outside') {
      reply.header('content-range', `bytes */${info.size}`)
      throw problems.rangeNotSatisfiable(`The file has ${info.size} bytes.`)
    }
    if (answer.kind === 'not-modified') {
      reply.code(304).headers({ ...commonHeaders(shown, grant, now()), ...acceptRanges })
      return null
    }
    const { status, headers, body } = await contentOf(answer, info, grant.type, request, reply)
    const described = { ...commonHeaders(shown, grant, now()), ...acceptRanges, ...entityHeaders(grant) }
    reply.code(status).headers({ ...described, ...headers })
    if (answer.kind === 'whole' && Buffer.isBuffer(body)) quick.learn(request, grant, info, reply.getHeaders())
    return body
  }

  return async (request: FastifyRequest, reply: FastifyReply) => {
    const transfer = createTransfer('asset.download', request, record)
    let leave: (() => void) | null = null
    try {
      // Before anything that costs: being full is when there is least to spare.
      leave = admission.enter()
      const body = await answerRequest(request, reply, transfer)
      if (body === null) {
        leave()
        transfer.succeeded(0)
        return reply.send()
      }
      reply.raw.setTimeout(idleSeconds * 1000)
      let failure: Error | null = null
      watchDownload(request, reply, { transfer, meter, failure: () => failure, onEnd: leave })
      if (Buffer.isBuffer(body)) return reply.send(body)
      reply.hijack().raw.writeHead(reply.statusCode, reply.getHeaders() as OutgoingHttpHeaders)
      await sendBody(reply.raw, body.segments, body.length, buffers).catch((error: Error) => {
        failure = error
        reply.raw.destroy()
      })
      return reply
    } catch (error) {
      leave?.()
      throw transfer.failed(error, 0)
    }
  }
}
