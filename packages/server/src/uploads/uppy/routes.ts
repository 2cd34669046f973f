/**
 * `/v1/uppy/:uploadToken/s3`: the calls that Uppy's `AwsS3` plugin makes to its `companionEndpoint`. It can send neither
 * headers nor cookies, so a personal token that may do nothing but upload rides in the path.
 */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { AccountPrincipal } from '../../accounts/index.ts'
import type { Admission } from '../../http/admission.ts'
import { actorOf, attemptOf } from '../../http/policy.ts'
import { isProblem, problems } from '../../problem.ts'
import type { Metadata } from '../metadata.ts'
import type { Uploads } from '../uploads.ts'
import { createUppyContext, findUpload, patiently } from './context.ts'
import { planForm } from './form.ts'
import { formRoute } from './form-route.ts'
import { bucketName, completeMultipart, createMultipart, listParts, signParts } from './multipart.ts'

export interface UppyRouteDeps {
  uploads: Uploads
  admission: Admission
  bytesIn(bytes: number): void
  /** Where clients reach this server. */
  publicUrl: () => string
  authenticatePathToken(token: string): Promise<AccountPrincipal>
}

const uppyPath = '/v1/uppy/:uploadToken/s3'

const TokenParams = { uploadToken: Type.String() }
const UploadParams = { ...TokenParams, uploadId: Type.String({ format: 'uuid' }) }
const KeyQuery = { key: Type.String({ maxLength: 512 }) }
const PartNumber = Type.Integer({ minimum: 1, maximum: 10_000 })

export function uppyRoutes(deps: UppyRouteDeps): FastifyPluginAsyncTypebox {
  const uppy = createUppyContext(deps.uploads, deps.publicUrl)
  const config = { policy: { access: 'path-token', scope: 'uploads:write' } } as const

  return async (app) => {
    app.addHook('onRequest', async (request, reply) => {
      reply.header('cache-control', 'no-store')
      const { uploadToken } = request.params as { uploadToken: string }
      request.principal = await patiently(() => deps.authenticatePathToken(uploadToken))
    })
    // Of a refusal Uppy shows the reason phrase and nothing else.
    app.addHook('onError', async (_request, reply, error) => {
      if (isProblem(error)) reply.raw.statusMessage = error.title
    })

    app.get(
      `${uppyPath}/params`,
      {
        config,
        schema: {
          hide: true,
          params: Type.Object(TokenParams),
          querystring: Type.Object(
            { filename: Type.String({ minLength: 1, maxLength: 16_384 }), type: Type.Optional(Type.String()) },
            { additionalProperties: true },
          ),
        },
      },
      async (request) => {
        const { filename, type = '' } = request.query
        const formUrl = `${deps.publicUrl()}${uppyPath.replace(':uploadToken', request.params.uploadToken)}/form`
        const metadata = metadataOf(request.query)
        return planForm(
          uppy,
          attemptOf(request, 'uppy'),
          actorOf(request).accountId,
          { filename, type, metadata },
          formUrl,
        )
      },
    )

    app.post(
      `${uppyPath}/multipart`,
      {
        config: { ...config, idempotent: true },
        schema: {
          hide: true,
          params: Type.Object(TokenParams),
          body: Type.Object({
            filename: Type.String({ minLength: 1, maxLength: 16_384 }),
            type: Type.Optional(Type.String()),
            metadata: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
          }),
        },
      },
      async (request) => {
        const { filename, type = '', metadata = {} } = request.body
        const file = { filename, type, metadata }
        return createMultipart(uppy, attemptOf(request, 'uppy'), actorOf(request).accountId, file)
      },
    )

    app.get(
      `${uppyPath}/multipart/:uploadId/batch`,
      {
        config,
        schema: {
          hide: true,
          params: Type.Object(UploadParams),
          querystring: Type.Object({ ...KeyQuery, partNumbers: Type.String({ maxLength: 10_000 }) }),
        },
      },
      async (request) => {
        const upload = await findUpload(uppy, actorOf(request).accountId, request.params.uploadId, request.query.key)
        const { urls } = await signParts(uppy, upload, parseNumbers(request.query.partNumbers))
        return { presignedUrls: urls }
      },
    )

    app.get(
      `${uppyPath}/multipart/:uploadId/:partNumber`,
      {
        config,
        schema: {
          hide: true,
          params: Type.Object({ ...UploadParams, partNumber: PartNumber }),
          querystring: Type.Object(KeyQuery),
        },
      },
      async (request) => {
        const { uploadId, partNumber } = request.params
        const upload = await findUpload(uppy, actorOf(request).accountId, uploadId, request.query.key)
        const { urls, expires } = await signParts(uppy, upload, [partNumber])
        return { url: urls[partNumber], expires }
      },
    )

    app.get(
      `${uppyPath}/multipart/:uploadId`,
      { config, schema: { hide: true, params: Type.Object(UploadParams), querystring: Type.Object(KeyQuery) } },
      async (request) =>
        listParts(uppy, await findUpload(uppy, actorOf(request).accountId, request.params.uploadId, request.query.key)),
    )

    app.post(
      `${uppyPath}/multipart/:uploadId/complete`,
      {
        config,
        schema: {
          hide: true,
          params: Type.Object(UploadParams),
          querystring: Type.Object(KeyQuery),
          body: Type.Object({
            parts: Type.Array(Type.Object({ PartNumber, ETag: Type.Optional(Type.Unknown()) }), { maxItems: 10_000 }),
          }),
        },
      },
      async (request) => {
        const { key } = request.query
        const upload = await findUpload(uppy, actorOf(request).accountId, request.params.uploadId, key)
        const numbers = request.body.parts.map((part) => part.PartNumber)
        const assetId = await completeMultipart(uppy, attemptOf(request, 'uppy'), upload, numbers)
        return { location: `${deps.publicUrl()}/v1/assets/${assetId}`, key, bucket: bucketName }
      },
    )

    app.delete(
      `${uppyPath}/multipart/:uploadId`,
      { config, schema: { hide: true, params: Type.Object(UploadParams), querystring: Type.Object(KeyQuery) } },
      async (request) => {
        const upload = await findUpload(uppy, actorOf(request).accountId, request.params.uploadId, request.query.key)
        await deps.uploads.abort(attemptOf(request, 'uppy'), upload)
        return {}
      },
    )

    await app.register(formRoute(deps, `${uppyPath}/form`))
  }
}

/** `metadata[name]=value` of a query, as Uppy writes it. */
function metadataOf(query: Record<string, unknown>): Metadata {
  const entries = Object.entries(query).flatMap(([name, value]) => {
    const key = /^metadata\[(.+)\]$/.exec(name)?.[1]
    return key === undefined ? [] : [[key, value] as const]
  })
  return Object.fromEntries(entries)
}

function parseNumbers(text: string): number[] {
  const numbers = text.split(',').map(Number)
  if (numbers.length > 1000 || !numbers.every((one) => Number.isInteger(one) && one >= 1 && one <= 10_000)) {
    throw problems.invalidRequest('`partNumbers` takes up to 1,000 numbers from 1 to 10,000.', {
      errors: [{ path: '/query/partNumbers', message: 'must be numbers such as 1,2,3' }],
    })
  }
  return numbers
}
