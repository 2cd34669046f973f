import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { type Static, Type } from 'typebox'
import { AssetSchema } from '../assets/index.ts'
import { IdParams, NoContent, orProblem } from '../http/conventions.ts'
import { attemptOf } from '../http/policy.ts'
import { problems } from '../problem.ts'
import type { UploadRow } from './context.ts'
import type { UploadDoor } from './route-doors.ts'
import { telemetryRoute } from './telemetry.ts'
import { expectedParts, maxSignedParts, type TransferPart } from './transfer.ts'
import type { Uploads } from './uploads.ts'

const PartSchema = Type.Object({
  number: Type.Integer(),
  size: Type.Integer({ description: 'Bytes; exactly so many must be sent' }),
  method: Type.Literal('PUT'),
  headers: Type.Record(Type.String(), Type.String(), { description: 'To be sent as they are' }),
  urls: Type.Array(
    Type.Object({
      endpoint: Type.String(),
      url: Type.String(),
      checksum: Type.Union([Type.Literal('sha-256'), Type.Literal('md5')], {
        description: 'Verified when sent: `Content-Digest: sha-256=:…:` or `Content-MD5`',
      }),
    }),
    { description: 'Best first' },
  ),
})

const UploadFields = {
  id: Type.String({ format: 'uuid' }),
  state: Type.Union([
    Type.Literal('uploading'),
    Type.Literal('completed'),
    Type.Literal('aborted'),
    Type.Literal('expired'),
  ]),
  filename: Type.String(),
  contentType: Type.String(),
  size: Type.Union([Type.Integer(), Type.Null()], { description: 'Bytes; null while a stream tells it' }),
  expiresAt: Type.String({ format: 'date-time' }),
}

const TransferFields = {
  strategy: Type.Union([Type.Literal('single'), Type.Literal('multipart')]),
  partSize: Type.Union([Type.Integer(), Type.Null()]),
  partCount: Type.Integer(),
}

const PlannedSchema = Type.Object(
  { ...UploadFields, transfer: Type.Object({ ...TransferFields, parts: Type.Array(PartSchema) }) },
  { $id: 'PlannedUpload' },
)

const UploadStateSchema = Type.Object(
  {
    ...UploadFields,
    assetId: Type.Union([Type.String({ format: 'uuid' }), Type.Null()]),
    failure: Type.Union([Type.String(), Type.Null()], { description: 'Problem code that ended it' }),
    transfer: Type.Object(TransferFields),
    received: Type.Array(Type.Object({ number: Type.Integer(), size: Type.Integer() })),
  },
  { $id: 'UploadState' },
)

const PlanBody = Type.Object(
  {
    filename: Type.String({ minLength: 1, maxLength: 16_384 }),
    size: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'Bytes' }),
    contentType: Type.Optional(Type.Union([Type.String({ maxLength: 255 }), Type.Null()])),
    sha256: Type.Optional(Type.Union([Type.String({ pattern: '^[0-9a-fA-F]{64}$' }), Type.Null()])),
    purpose: Type.Optional(
      Type.Union([Type.Literal('library'), Type.Literal('post'), Type.Literal('avatar')], { default: 'library' }),
    ),
    albumId: Type.Optional(Type.Union([Type.String({ format: 'uuid' }), Type.Null()])),
    capturedAt: Type.Optional(Type.Union([Type.String({ format: 'date-time' }), Type.Null()])),
    strategy: Type.Optional(
      Type.Union([Type.Literal('auto'), Type.Literal('single'), Type.Literal('multipart')], { default: 'auto' }),
    ),
  },
  { additionalProperties: false },
)

export interface UploadRouteDeps {
  uploads: Uploads
  door: UploadDoor
}

/** Registered once for each door. */
export function uploadRoutes({ uploads, door }: UploadRouteDeps): FastifyPluginAsyncTypebox {
  const root = `${door.prefix}/uploads`
  const tags = [door.tag]
  const params = Type.Object({ ...door.params.properties, ...IdParams.properties })

  return async (app) => {
    app.post(
      root,
      {
        config: { policy: door.policy(), idempotent: true },
        schema: {
          operationId: door.nameOf('planUpload'),
          tags,
          summary: 'Plan an upload: reserves its size and answers where to put its bytes',
          params: door.params,
          body: PlanBody,
          response: orProblem({ 200: Type.Object({ duplicateOf: AssetSchema }), 201: PlannedSchema }),
        },
      },
      async (request, reply) => {
        const { filename, size, contentType, sha256, purpose, albumId, capturedAt, strategy } = request.body
        const album = door.albumOf(request)
        if (album !== null) requireGuestPlan(request.body, album)
        const planned = await uploads.planDirect(attemptOf(request, 'direct'), {
          ...door.senderOf(request),
          filename,
          size,
          contentType: contentType ?? '',
          sha256: sha256 == null ? null : Buffer.from(sha256, 'hex'),
          purpose: purpose ?? 'library',
          albumId: album ?? albumId ?? null,
          capturedAt: capturedAt == null ? null : new Date(capturedAt),
          strategy: strategy ?? 'auto',
        })
        if ('duplicateOf' in planned)
          return reply.code(200).send({ duplicateOf: await door.present(request, planned.duplicateOf) })
        reply.code(201).header('location', `${request.url.split('?')[0]}/${planned.upload.id}`)
        return presentPlanned(planned.upload, planned.parts)
      },
    )

    app.get(
      `${root}/:id`,
      {
        config: { policy: door.policy('upload') },
        schema: {
          operationId: door.nameOf('getUpload'),
          tags,
          summary: 'State, and the parts the store holds, to resume from',
          params,
          response: orProblem({ 200: UploadStateSchema }),
        },
      },
      async (request) => {
        const upload = await uploads.of(door.senderOf(request), request.params.id)
        return presentState(upload, await uploads.received(upload))
      },
    )

    app.get(
      `${root}/:id/parts`,
      {
        config: { policy: door.policy('upload') },
        schema: {
          operationId: door.nameOf('signParts'),
          tags,
          summary: 'URLs of further parts, or fresh ones of expired',
          params,
          querystring: Type.Object({
            numbers: Type.String({
              description: 'For example `1-100` or `3,7-9`; at most 1,000 parts',
              maxLength: 10_000,
            }),
          }),
          response: orProblem({ 200: Type.Object({ parts: Type.Array(PartSchema) }) }),
        },
      },
      async (request) => {
        const upload = await uploads.of(door.senderOf(request), request.params.id)
        return { parts: await uploads.signParts(upload, parseNumbers(request.query.numbers)) }
      },
    )

    app.post(
      `${root}/:id/complete`,
      {
        config: { policy: door.policy('upload') },
        schema: {
          operationId: door.nameOf('completeUpload'),
          tags,
          summary: 'Verify against the store and make the asset; repeating it answers the same asset with 200',
          params,
          response: orProblem({ 200: Type.Object({ asset: AssetSchema }), 201: Type.Object({ asset: AssetSchema }) }),
        },
      },
      async (request, reply) => {
        const upload = await uploads.of(door.senderOf(request), request.params.id)
        const { asset, created } = await uploads.complete(attemptOf(request, 'direct'), upload)
        return reply.code(created ? 201 : 200).send({ asset: await door.present(request, asset) })
      },
    )

    app.delete(
      `${root}/:id`,
      {
        config: { policy: door.policy('upload') },
        schema: {
          operationId: door.nameOf('abortUpload'),
          tags,
          summary: 'Abort: the reservation and every stored byte are released',
          params,
          response: orProblem({ 204: NoContent }),
        },
      },
      async (request, reply) => {
        const upload = await uploads.of(door.senderOf(request), request.params.id)
        await uploads.abort(attemptOf(request, 'direct'), upload)
        return reply.code(204).send(null)
      },
    )

    await app.register(telemetryRoute(uploads, door))
  }
}

/** What is sent by a link goes into its album, and is nobody's avatar or post. */
function requireGuestPlan({ purpose, albumId }: Static<typeof PlanBody>, album: string): void {
  if (albumId != null && albumId !== album) throw problems.notFound('There is no such album.')
  if (purpose !== undefined && purpose !== 'library') {
    throw problems.invalidRequest('By a link, photos and videos are sent into its album and nowhere else.', {
      errors: [{ path: '/purpose', message: 'must be library' }],
    })
  }
}

function presentUpload(upload: UploadRow) {
  return {
    id: upload.id,
    state: upload.state,
    filename: upload.filename,
    contentType: upload.content_type,
    size: upload.size,
    expiresAt: upload.expires_at.toISOString(),
  }
}

function presentTransfer(upload: UploadRow) {
  const strategy: 'single' | 'multipart' = upload.store_upload_id === null ? 'single' : 'multipart'
  return { strategy, partSize: upload.part_size ?? upload.size, partCount: expectedParts(upload).length }
}

function presentPlanned(upload: UploadRow, parts: TransferPart[]) {
  return { ...presentUpload(upload), transfer: { ...presentTransfer(upload), parts } }
}

function presentState(upload: UploadRow, received: { number: number; size: number }[]) {
  return {
    ...presentUpload(upload),
    assetId: upload.asset_id,
    failure: upload.failure,
    transfer: presentTransfer(upload),
    received,
  }
}

/** `1-3,7` → {1, 2, 3, 7}; throws `invalid-request` for anything else or more than 1,000. */
function parseNumbers(text: string): Set<number> {
  const numbers = new Set<number>()
  for (const range of text.split(',')) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(range.trim())
    const first = Number(match?.[1])
    const last = Number(match?.[2] ?? match?.[1])
    if (match === null || first < 1 || last < first || numbers.size + last - first + 1 > maxSignedParts) {
      throw problems.invalidRequest(
        `\`numbers\` takes part numbers such as 1-100 or 3,7-9; at most ${maxSignedParts}.`,
        {
          errors: [{ path: '/query/numbers', message: 'must be part numbers such as 1-100 or 3,7-9' }],
        },
      )
    }
    for (let number = first; number <= last; number += 1) numbers.add(number)
  }
  return numbers
}
