/** `POST /v1/assets`: a file as the raw body, for `curl` and programs that cannot do more. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { AssetSchema, type Presenter } from '../assets/index.ts'
import type { Admission } from '../http/admission.ts'
import { orProblem } from '../http/conventions.ts'
import { actorOf, attemptOf } from '../http/policy.ts'
import { closeWhenSilent } from '../http/silent-client.ts'
import { answerBeforeBodyEnds } from '../http/unread-body.ts'
import { problems } from '../problem.ts'
import type { Uploads } from './uploads.ts'

export interface StreamRouteDeps {
  uploads: Uploads
  presenter: Presenter
  admission: Admission
  bytesIn(bytes: number): void
}

/** Seconds a client may be silent in the middle of its file. */
const idleSeconds = 60

export function streamRoute({ uploads, presenter, admission, bytesIn }: StreamRouteDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    // The body is the file, whatever its type: nothing parses it.
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (_request, _payload, done) => done(null))

    answerBeforeBodyEnds(app)

    app.post(
      '/v1/assets',
      {
        bodyLimit: Number.MAX_SAFE_INTEGER,
        config: { policy: { access: 'account', scope: 'uploads:write' }, idempotent: true },
        schema: {
          operationId: 'streamUpload',
          tags: ['Uploads'],
          summary: 'Upload a file as the raw body, in constant memory',
          consumes: ['application/octet-stream', 'image/*', 'video/*'],
          querystring: Type.Object({
            filename: Type.String({ minLength: 1, maxLength: 16_384 }),
            purpose: Type.Optional(
              Type.Union([Type.Literal('library'), Type.Literal('post'), Type.Literal('avatar')], {
                default: 'library',
              }),
            ),
            albumId: Type.Optional(Type.String({ format: 'uuid', description: 'The album it goes into' })),
            capturedAt: Type.Optional(Type.String({ format: 'date-time' })),
          }),
          response: orProblem({ 200: Type.Object({ asset: AssetSchema }), 201: Type.Object({ asset: AssetSchema }) }),
        },
      },
      async (request, reply) => {
        const { filename, purpose, albumId, capturedAt } = request.query
        const leave = admission.enter()
        const stopWatching = closeWhenSilent(request.raw, reply.raw, idleSeconds)
        try {
          const { asset, created } = await uploads.stream(
            attemptOf(request, 'stream'),
            {
              ownerId: actorOf(request).accountId,
              filename,
              size: contentLength(request.headers['content-length']),
              contentType: request.headers['content-type'] ?? null,
              purpose: purpose ?? 'library',
              albumId: albumId ?? null,
              capturedAt: capturedAt === undefined ? null : new Date(capturedAt),
            },
            request.raw,
          )
          bytesIn(asset.size)
          return reply.code(created ? 201 : 200).send({ asset: await presenter.one(asset) })
        } catch (error) {
          // Nobody is left to answer.
          if (request.raw.destroyed && !request.raw.complete) return reply.hijack()
          throw error
        } finally {
          stopWatching()
          leave()
        }
      },
    )
  }
}

function contentLength(header: string | undefined): number | null {
  if (header === undefined) return null
  const length = Number(header)
  if (!Number.isSafeInteger(length) || length < 0)
    throw problems.invalidRequest('Content-Length is not a number of bytes.')
  return length
}
