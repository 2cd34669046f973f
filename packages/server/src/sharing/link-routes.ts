/** Links as the owner of an album makes, changes and revokes them. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { IdParams, NoContent, orNull, orProblem } from '../http/conventions.ts'
import { actorOf, attemptOf } from '../http/policy.ts'
import type { LinkRow } from './context.ts'
import type { Sharing } from './sharing.ts'

const OptionalTime = Type.Union([Type.String({ format: 'date-time' }), Type.Null()])

const LinkSchema = Type.Object(
  {
    token: Type.String(),
    url: Type.String({ description: 'The page that is given to people' }),
    hasPassword: Type.Boolean(),
    expiresAt: OptionalTime,
    allowDownload: Type.Boolean({ description: 'Whether visitors get originals, and the album as a ZIP' }),
    allowUpload: Type.Boolean({ description: 'Whether visitors add photos; they count for the owner of the album' }),
    showLocation: Type.Boolean({ description: 'Whether visitors learn where things were taken' }),
    createdAt: Type.String({ format: 'date-time' }),
  },
  { $id: 'Link' },
)

const LinkBody = Type.Object(
  {
    expiresAt: Type.Optional(orNull(Type.String({ format: 'date-time' }))),
    password: Type.Optional(
      orNull(
        Type.String({
          maxLength: 1024,
          description:
            'At least 4 characters; null for none. Setting it anew locks out whoever unlocked the link before',
        }),
      ),
    ),
    allowDownload: Type.Optional(Type.Boolean()),
    allowUpload: Type.Optional(Type.Boolean()),
    showLocation: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)

const TokenParams = Type.Object({ token: Type.String() })

export interface LinkRouteDeps {
  sharing: Sharing
  publicUrl(): string
}

const tags = ['Links']

// Also to read them: a link opens an album for longer than the token lives by which it was seen.
const scope = 'assets:write'

export function linkRoutes({ sharing, publicUrl }: LinkRouteDeps): FastifyPluginAsyncTypebox {
  const present = (link: LinkRow) => presentLink(link, publicUrl())

  return async (app) => {
    app.get(
      '/v1/albums/:id/links',
      {
        config: { policy: { access: 'account', scope, owns: 'album' } },
        schema: {
          operationId: 'listLinks',
          tags,
          summary: 'The links of an album, newest first, for its owner',
          params: IdParams,
          response: orProblem({ 200: Type.Object({ items: Type.Array(LinkSchema) }) }),
        },
      },
      async (request, reply) => {
        reply.header('cache-control', 'private, no-store')
        return { items: (await sharing.list(actorOf(request).accountId, request.params.id)).map(present) }
      },
    )

    app.post(
      '/v1/albums/:id/links',
      {
        config: { policy: { access: 'account', scope, owns: 'album' }, idempotent: true },
        schema: {
          operationId: 'createLink',
          tags,
          summary: 'Share an album with whoever has the link',
          params: IdParams,
          body: LinkBody,
          response: orProblem({ 201: LinkSchema }),
        },
      },
      async (request, reply) => {
        const { expiresAt, password, allowDownload, allowUpload, showLocation } = request.body
        const link = await sharing.create(attemptOf(request), actorOf(request).accountId, request.params.id, {
          expiresAt: toDate(expiresAt ?? null),
          password: password ?? null,
          allowDownload: allowDownload ?? true,
          allowUpload: allowUpload ?? false,
          showLocation: showLocation ?? false,
        })
        reply.header('cache-control', 'private, no-store')
        return reply.code(201).header('location', `/v1/links/${link.token}`).send(present(link))
      },
    )

    app.patch(
      '/v1/links/:token',
      {
        config: { policy: { access: 'account', scope, owns: 'link' } },
        schema: {
          operationId: 'editLink',
          tags,
          summary: 'Change what a link allows, and until when; it holds from the next request on',
          params: TokenParams,
          body: Type.Object(LinkBody.properties, { additionalProperties: false, minProperties: 1 }),
          response: orProblem({ 200: LinkSchema }),
        },
      },
      async (request) => {
        const { expiresAt, ...changes } = request.body
        const link = await sharing.update(attemptOf(request), actorOf(request).accountId, request.params.token, {
          ...changes,
          ...(expiresAt === undefined ? {} : { expiresAt: toDate(expiresAt) }),
        })
        return present(link)
      },
    )

    app.delete(
      '/v1/links/:token',
      {
        config: { policy: { access: 'account', scope, owns: 'link' } },
        schema: {
          operationId: 'deleteLink',
          tags,
          summary: 'Revoke a link; what visitors are uploading by it ends',
          params: TokenParams,
          response: orProblem({ 204: NoContent }),
        },
      },
      async (request, reply) => {
        await sharing.delete(attemptOf(request), actorOf(request).accountId, request.params.token)
        return reply.code(204).send(null)
      },
    )
  }
}

function toDate(text: string | null): Date | null {
  return text === null ? null : new Date(text)
}

function presentLink(link: LinkRow, publicUrl: string) {
  return {
    token: link.token,
    url: `${publicUrl}/s/${link.token}`,
    hasPassword: link.password_hash !== null,
    expiresAt: link.expires_at === null ? null : link.expires_at.toISOString(),
    allowDownload: link.allow_download,
    allowUpload: link.allow_upload,
    showLocation: link.show_location,
    createdAt: link.created_at.toISOString(),
  }
}
