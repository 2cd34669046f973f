/**
 * `/v1/tus`: the tus 1.0 resumable upload protocol (https://tus.io/protocols/resumable-upload). The routes carry requests
 * between Fastify and `@tus/server`; refusals are problem documents like everywhere else.
 */
import type { IncomingMessage } from 'node:http'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { createGate } from '../../engines/object-store/gate.ts'
import { type Attempt, errorClass, type HistoryEvent } from '../../history/index.ts'
import type { Admission } from '../../http/admission.ts'
import { IdParams } from '../../http/conventions.ts'
import { actorOf, attemptOf } from '../../http/policy.ts'
import { closeWhenSilent } from '../../http/silent-client.ts'
import { answerAndDiscard } from '../../http/unread-body.ts'
import type { UploadRow } from '../context.ts'
import type { Uploads } from '../uploads.ts'
import { readChunks } from './body-source.ts'
import { createLeases } from './leases.ts'
import { createTusSession, findTusUpload, tusExtensions, tusPath } from './session.ts'

export interface TusRouteDeps {
  uploads: Uploads
  admission: Admission
  bytesIn(bytes: number): void
  /** Writes an event to the history, some time soon. */
  record(attempt: Attempt, event: HistoryEvent): void
}

/** Seconds a client may be silent in the middle of its body. */
const idleSeconds = 60
/** Bodies without a length that may gather a part in memory at once, when the store is S3. */
const gatheredParts = 12

const bodyType = 'application/offset+octet-stream'

/** What the library looks at; nothing else of a request concerns it. */
const protocolHeaders = [
  'tus-resumable',
  'upload-offset',
  'upload-length',
  'upload-defer-length',
  'upload-metadata',
  'upload-concat',
  'content-type',
  'content-length',
]

export function tusRoutes({ uploads, admission, bytesIn, record }: TusRouteDeps): FastifyPluginAsyncTypebox {
  const { db, log, limits } = uploads.context
  const deps = {
    uploads,
    context: { ...uploads.context, gathering: createGate(gatheredParts) },
    leases: createLeases({ db, log }),
  }

  async function handle(request: FastifyRequest, reply: FastifyReply, id: string | null) {
    const { raw } = request
    const attempt = attemptOf(request, 'tus')
    const { accountId } = actorOf(request)
    const finish: (() => void)[] = []
    const stop = new AbortController()
    const hasBody = ['POST', 'PATCH'].includes(request.method) && request.headers['content-type'] === bodyType
    let received = 0
    try {
      // Before the lease is asked for, which would make whoever sends to this upload stop.
      if (id !== null) await findTusUpload(uploads, accountId, id)
      if (hasBody) finish.push(admission.enter(), closeWhenSilent(raw, reply.raw, idleSeconds))
      const session = createTusSession(deps, {
        attempt,
        ownerId: accountId,
        stop: () => stop.abort(),
        incoming: {
          length: declaredLength(request),
          next: readChunks(raw, stop.signal, (count) => {
            received += count
          }),
        },
      })
      const answered = performance.now()
      try {
        const response = await session.handle(toWebRequest(request))
        note(session.upload(), answered)
        // Nobody is left to answer; what had come was kept.
        if (isGone(raw)) return reply.hijack()
        return await answer(reply, response, session.upload())
      } catch (error) {
        note(session.upload(), answered, error)
        throw error
      }
    } catch (error) {
      if (isGone(raw)) return reply.hijack()
      throw error
    } finally {
      bytesIn(received)
      for (const end of finish) end()
    }

    function note(upload: UploadRow | null, since: number, error?: unknown): void {
      if (!hasBody || upload === null) return
      record(attempt, {
        action: 'upload.part',
        objectType: 'upload',
        objectId: upload.id,
        size: received,
        contentType: upload.content_type,
        phases: { transfer: performance.now() - since },
        ...(error === undefined ? {} : { errorClass: errorClass(error) }),
      })
    }
  }

  return async (app) => {
    // The body is a piece of the file: nothing parses it.
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (_request, _payload, done) => done(null))

    app.addHook('onRequest', async (_request, reply) => {
      reply.header('tus-resumable', '1.0.0').header('cache-control', 'no-store')
    })

    app.addHook('onSend', async (request, reply, payload) => {
      if (reply.statusCode === 412) reply.header('tus-version', '1.0.0')
      if (request.raw.complete || typeof payload !== 'string') return payload
      reply.header('connection', 'close')
      // An answer without a body, to a request that had to give way to another.
      if (payload === '') return payload
      reply.header('content-length', Buffer.byteLength(payload))
      return answerAndDiscard(request.raw, payload)
    })

    // The protocol is its own reference.
    const schema = { hide: true }
    const bodyLimit = Number.MAX_SAFE_INTEGER
    const byId = { ...schema, params: IdParams }
    const owned = { policy: { access: 'account', scope: 'uploads:write', owns: 'upload' } } as const

    app.route({
      method: 'POST',
      url: tusPath,
      bodyLimit,
      schema,
      config: { policy: { access: 'account', scope: 'uploads:write' } },
      handler: (request, reply) => handle(request, reply, null),
    })
    for (const method of ['HEAD', 'PATCH', 'DELETE'] as const) {
      app.route({
        method,
        url: `${tusPath}/:id`,
        bodyLimit,
        schema: byId,
        config: owned,
        handler: (request, reply) => handle(request, reply, request.params.id),
      })
    }
    // Clients ask here what the server can do; the preflight of a browser is answered by the same.
    for (const url of [tusPath, `${tusPath}/:id`]) {
      app.route({
        method: 'OPTIONS',
        url,
        schema,
        config: { cors: { strictPreflight: false, preflightContinue: true } },
        handler: (_request, reply) =>
          reply
            .code(204)
            .header('tus-version', '1.0.0')
            .header('tus-extension', tusExtensions.join(','))
            .header('tus-max-size', limits.maxFileSize)
            .send(),
      })
    }
  }
}

function isGone(request: IncomingMessage): boolean {
  return request.destroyed && !request.complete
}

function toWebRequest(request: FastifyRequest): Request {
  const headers = new Headers()
  for (const name of protocolHeaders) {
    const value = request.headers[name]
    if (typeof value === 'string') headers.set(name, value)
  }
  return new Request(new URL(request.url, 'http://tus'), { method: request.method, headers })
}

function answer(reply: FastifyReply, response: Response, upload: UploadRow | null) {
  for (const [name, value] of response.headers) {
    // Cross-origin rules are the same for every route, and made elsewhere.
    if (!name.startsWith('access-control-')) reply.header(name, value)
  }
  if (upload !== null && upload.state === 'uploading') {
    reply.header('upload-expires', upload.expires_at.toUTCString())
  } else {
    reply.removeHeader('upload-expires')
    if (upload?.asset_id != null) reply.header('heliograph-asset-id', upload.asset_id)
  }
  return reply.code(response.status).send('')
}

/** Null for a chunked body (RFC 9112 section 6.3). */
function declaredLength(request: FastifyRequest): number | null {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers
  return encoding === undefined ? Number(length ?? 0) : null
}
