/**
 * Where Uppy's form goes when the store takes none itself. The file is streamed like any raw body, and the answer comes
 * when the asset exists. A form that broke off is sent again by Uppy as it is; the same bytes make the same asset.
 */
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Admission } from '../../http/admission.ts'
import { actorOf, attemptOf } from '../../http/policy.ts'
import { closeWhenSilent } from '../../http/silent-client.ts'
import { answerBeforeBodyEnds } from '../../http/unread-body.ts'
import { describe } from '../metadata.ts'
import type { Uploads } from '../uploads.ts'
import { type FormFile, readForm } from './form-body.ts'

export interface FormRouteDeps {
  uploads: Uploads
  admission: Admission
  bytesIn(bytes: number): void
  publicUrl: () => string
}

/** Seconds a client may be silent in the middle of its file. */
const idleSeconds = 60

export function formRoute({ uploads, admission, bytesIn, publicUrl }: FormRouteDeps, url: string): FastifyPluginAsync {
  return async (app) => {
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('multipart/form-data', (_request, _payload, done) => done(null))

    answerBeforeBodyEnds(app)

    app.post(
      url,
      {
        bodyLimit: Number.MAX_SAFE_INTEGER,
        config: { policy: { access: 'path-token', scope: 'uploads:write' } },
        schema: { hide: true },
      },
      async (request, reply) => {
        const finish = [admission.enter()]
        try {
          finish.push(closeWhenSilent(request.raw, reply.raw, idleSeconds))
          const { asset, created } = await readForm(request.raw, (file) => receive(request, file))
          bytesIn(asset.size)
          const location = `${publicUrl()}/v1/assets/${asset.id}`
          return await reply
            .code(created ? 201 : 200)
            .header('location', location)
            .send({ location, assetId: asset.id })
        } catch (error) {
          // Nobody is left to answer.
          if (request.raw.destroyed && !request.raw.complete) return reply.hijack()
          throw error
        } finally {
          for (const end of finish) end()
        }
      },
    )
  }

  function receive(request: FastifyRequest, { fields, name, type, body }: FormFile) {
    return uploads.stream(
      attemptOf(request, 'uppy'),
      { ...describe({ name, type, ...fields }), ownerId: actorOf(request).accountId, size: null },
      body,
    )
  }
}
