/** Albums themselves. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { etagOf, IdParams, NoContent, orNull, orProblem, PageQuery, pageOf, versionOf } from '../../http/conventions.ts'
import { actorOf, attemptOf } from '../../http/policy.ts'
import { openAlbum } from '../album.ts'
import { createAlbum, deleteAlbum, editAlbum } from '../editing.ts'
import { listAlbums } from '../list.ts'
import { AlbumSchema, AlbumWithMembersSchema, OrderSchema } from '../present.ts'
import { type AlbumRouteDeps, AssetIds } from './deps.ts'

/** One line with something in it. What comes before is trimmed; written so that no text takes long to refuse. */
const Title = Type.String({
  minLength: 1,
  maxLength: 200,
  pattern: '^\\s*[^\\s\\u0000-\\u001f\\u007f][^\\u0000-\\u001f\\u007f]*$',
})
/** Postgres keeps no NUL. */
const Description = orNull(Type.String({ maxLength: 10_000, pattern: '^[^\\u0000]*$' }))

export function ownAlbumRoutes({ context, presenter }: AlbumRouteDeps): FastifyPluginAsyncTypebox {
  const { db } = context
  return async (app) => {
    app.get(
      '/v1/albums',
      {
        config: { policy: { access: 'account', scope: 'assets:read' } },
        schema: {
          operationId: 'listAlbums',
          tags: ['Albums'],
          summary: 'Your own and those you belong to, last changed first',
          querystring: Type.Object({
            ...PageQuery,
            asset: Type.Optional(Type.String({ format: 'uuid', description: 'Only albums that show this asset' })),
          }),
          response: orProblem({ 200: pageOf(AlbumSchema) }),
        },
      },
      async (request) => {
        const { limit, cursor, asset } = request.query
        const page = await listAlbums(db, actorOf(request).accountId, { limit: limit ?? 50, cursor, assetId: asset })
        return { items: await presenter.all(page.items), nextCursor: page.nextCursor }
      },
    )

    app.post(
      '/v1/albums',
      {
        config: { policy: { access: 'account', scope: 'assets:write' }, idempotent: true },
        schema: {
          operationId: 'createAlbum',
          tags: ['Albums'],
          body: Type.Object(
            {
              title: Title,
              description: Type.Optional(Description),
              assetIds: Type.Optional(AssetIds({ minItems: 0 })),
            },
            { additionalProperties: false },
          ),
          response: orProblem({ 201: AlbumSchema }),
        },
      },
      async (request, reply) => {
        const { title, description, assetIds } = request.body
        const album = await createAlbum(context, attemptOf(request), actorOf(request).accountId, {
          title: title.trim(),
          description: description ?? null,
          assetIds: assetIds ?? [],
        })
        reply.code(201).header('location', `/v1/albums/${album.row.id}`).header('etag', etagOf(album.row.version))
        return presenter.one(album)
      },
    )

    app.get(
      '/v1/albums/:id',
      {
        config: { policy: { access: 'account', scope: 'assets:read', owns: 'album' } },
        schema: {
          operationId: 'getAlbum',
          tags: ['Albums'],
          params: IdParams,
          response: orProblem({ 200: AlbumWithMembersSchema }),
        },
      },
      async (request, reply) => {
        const album = await openAlbum(db, actorOf(request).accountId, request.params.id)
        reply.header('etag', etagOf(album.row.version))
        return presenter.withMembers(album)
      },
    )

    app.patch(
      '/v1/albums/:id',
      {
        config: { policy: { access: 'account', scope: 'assets:write', owns: 'album' } },
        schema: {
          operationId: 'editAlbum',
          tags: ['Albums'],
          summary: 'Title, description, cover, order and whether places are shared; for its owner',
          params: IdParams,
          body: Type.Object(
            {
              title: Type.Optional(Title),
              description: Type.Optional(Description),
              coverAssetId: Type.Optional(Type.Union([Type.String({ format: 'uuid' }), Type.Null()])),
              order: Type.Optional(OrderSchema),
              shareLocation: Type.Optional(Type.Boolean()),
            },
            { additionalProperties: false, minProperties: 1 },
          ),
          response: orProblem({ 200: AlbumSchema }),
        },
      },
      async (request, reply) => {
        const { title, ...edit } = request.body
        const album = await editAlbum(
          context,
          attemptOf(request),
          actorOf(request).accountId,
          request.params.id,
          { ...edit, title: title?.trim() },
          versionOf(request.headers['if-match']),
        )
        reply.header('etag', etagOf(album.row.version))
        return presenter.one(album)
      },
    )

    app.delete(
      '/v1/albums/:id',
      {
        config: { policy: { access: 'account', scope: 'assets:write', owns: 'album' } },
        schema: {
          operationId: 'deleteAlbum',
          tags: ['Albums'],
          summary: 'With its members and links; what was in it stays with its owners',
          params: IdParams,
          response: orProblem({ 204: NoContent }),
        },
      },
      async (request, reply) => {
        const ifMatch = versionOf(request.headers['if-match'])
        await deleteAlbum(context, attemptOf(request), actorOf(request).accountId, request.params.id, ifMatch)
        return reply.code(204).send(null)
      },
    )
  }
}
