/**
 * The data plane as a Fastify plugin: `PUT /u/…` and `GET|HEAD /m/…` under signed grants, without a database. It takes
 * bodies as they come off the socket: no parser, no limit but the grant's.
 */
import type { Verifier } from '@heliograph/signing'
import type { FastifyPluginAsync } from 'fastify'
import type { ObjectStore } from '../engines/object-store/object-store.ts'
import type { Admission } from '../http/admission.ts'
import { NoContent, orProblem } from '../http/conventions.ts'
import { answerBeforeBodyEnds } from '../http/unread-body.ts'
import { createAccel } from './accel.ts'
import { allowOrigins } from './cors.ts'
import { createPermit, type PermitOptions } from './delivery-grant.ts'
import { getBytes } from './get-bytes.ts'
import { putBytes } from './put-bytes.ts'
import { answerFirst, createQuickAnswers } from './quick-answers.ts'
import { createRecentObjects } from './recent-objects.ts'
import type { ByteSource } from './source.ts'
import type { Meter, RecordTransfer } from './transfer.ts'

export interface EdgeOptions {
  store: Pick<ObjectStore, 'put' | 'putPart'>
  /** What is served, from the store or a cache in front of it. */
  source: ByteSource
  verifier: Verifier
  countryOf?: PermitOptions['countryOf']
  /** Of bodies received, and of files sent. */
  admission: Admission
  readAdmission: Admission
  /** URI prefix under which nginx sends files itself (`X-Accel-Redirect`); null, the default, when none does. */
  accelRedirect?: string | null
  /** Origins of web pages that may call the edge: that of `PUBLIC_URL` and the configured ones. */
  origins: readonly string[]
  meter: Meter
  record?: RecordTransfer
  /** Seconds without progress after which a connection is closed; 60 by default. */
  idleSeconds?: number
  now?: () => Date
}

export function edgeRoutes(options: EdgeOptions): FastifyPluginAsync {
  const settled = { record: () => undefined, idleSeconds: 60, now: () => new Date(), ...options }
  const { accelRedirect = null, source } = options

  return async (app) => {
    const recent = createRecentObjects({ source })
    const quick = createQuickAnswers({ ...settled, recent })
    answerFirst(app, quick)
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (_request, _payload, done) => done(null))
    allowOrigins(app, options.origins)

    // These hooks run for every thumbnail, and a promise costs more than what they do.
    app.addHook('onSend', (_request, reply, payload, done) => {
      // A refusal is about this moment; 404 and 410 would otherwise be kept by caches.
      if (reply.statusCode >= 400) reply.header('cache-control', 'no-store')
      done(null, payload)
    })
    answerBeforeBodyEnds(app)

    app.route({
      method: 'PUT',
      url: '/u/*',
      bodyLimit: Number.MAX_SAFE_INTEGER,
      config: { policy: { access: 'grant' } },
      schema: {
        operationId: 'putBytes',
        tags: ['Bytes'],
        summary: 'One object or part, exactly as the signed URL of a plan says; answers its `ETag`',
        response: orProblem({ 200: NoContent }),
      },
      handler: putBytes(settled),
    })
    app.route({
      method: ['GET', 'HEAD'],
      url: '/m/*',
      config: { policy: { access: 'grant' } },
      schema: {
        tags: ['Bytes'],
        summary: 'A file under its signed URL, with ranges and conditions (RFC 9110)',
      },
      handler: getBytes({
        ...settled,
        recent,
        quick,
        permit: createPermit(options),
        admission: options.readAdmission,
        accel: accelRedirect === null ? null : createAccel(accelRedirect, source),
      }),
    })
  }
}
