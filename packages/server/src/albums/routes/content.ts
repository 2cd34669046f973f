/** What is in an album: reading it, adding to it, taking out, arranging, and all of it as a ZIP. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { history } from '../../history/index.ts'
import { IdParams, NoContent, orProblem, PageQuery, pageOf, takeForms } from '../../http/conventions.ts'
import { actorOf, attemptOf } from '../../http/policy.ts'
import { addOwnAssets, removeAssets } from '../adding.ts'
import { openAlbum } from '../album.ts'
import { type AlbumAssetRow, getAlbumAsset, listAlbumAssets, noSuchAlbumAsset } from '../content.ts'
import { zipAlbum } from '../download.ts'
import { moveAssets } from '../moving.ts'
import { AlbumAssetSchema } from '../present.ts'
import { type AlbumRouteDeps, AssetIds } from './deps.ts'

const AssetIdsBody = Type.Object({ assetIds: AssetIds() }, { additionalProperties: false })

export function albumContentRoutes({ context, presenter, download }: AlbumRouteDeps): FastifyPluginAsyncTypebox {
  const { db } = context
  return async (app) => {
    app.get(
      '/v1/albums/:id/assets',
      {
        config: { policy: { access: 'account', scope: 'assets:read', owns: 'album' } },
        schema: {
          operationId: 'listAlbumAssets',
          tags: ['Albums'],
          summary: 'In the order of the album; those of others without what is their own affair',
          params: IdParams,
          querystring: Type.Object(PageQuery),
          response: orProblem({ 200: pageOf(AlbumAssetSchema) }),
        },
      },
      async (request) => {
        const { accountId } = actorOf(request)
        const album = await openAlbum(db, accountId, request.params.id)
        const { limit, cursor } = request.query
        const page = await listAlbumAssets(db, album.row, { limit: limit ?? 50, cursor })
        return { items: await presenter.assets(accountId, album, page.items), nextCursor: page.nextCursor }
      },
    )

    app.get(
      '/v1/albums/:id/assets/:assetId',
      {
        config: { policy: { access: 'account', scope: 'assets:read', owns: 'album' } },
        schema: {
          operationId: 'getAlbumAsset',
          tags: ['Albums'],
          params: Type.Object({ ...IdParams.properties, assetId: Type.String({ format: 'uuid' }) }),
          response: orProblem({ 200: AlbumAssetSchema }),
        },
      },
      async (request) => {
        const { accountId } = actorOf(request)
        const album = await openAlbum(db, accountId, request.params.id)
        const row = await getAlbumAsset(db, album.row.id, request.params.assetId)
        const [asset] = await presenter.assets(accountId, album, [row])
        if (asset === undefined) throw noSuchAlbumAsset()
        return asset
      },
    )

    app.put(
      '/v1/albums/:id/assets',
      {
        config: { policy: { access: 'account', scope: 'assets:write', owns: 'album' } },
        schema: {
          operationId: 'addToAlbum',
          tags: ['Albums'],
          summary: 'Add photos and videos of your own; for its owner and contributors',
          params: IdParams,
          body: AssetIdsBody,
          response: orProblem({
            200: Type.Object({
              count: Type.Integer({ description: 'Newly added; what is not yours, not there or in it already is not' }),
            }),
          }),
        },
      },
      async (request) => {
        const { accountId } = actorOf(request)
        const { assetIds } = request.body
        return { count: await addOwnAssets(context, attemptOf(request), accountId, request.params.id, assetIds) }
      },
    )

    app.delete(
      '/v1/albums/:id/assets',
      {
        config: { policy: { access: 'account', scope: 'assets:write', owns: 'album' } },
        schema: {
          operationId: 'removeFromAlbum',
          tags: ['Albums'],
          summary: 'Take out of the album; its owner any, a contributor their own. They stay in the library',
          params: IdParams,
          body: AssetIdsBody,
          response: orProblem({ 204: NoContent }),
        },
      },
      async (request, reply) => {
        const { accountId } = actorOf(request)
        await removeAssets(context, attemptOf(request), accountId, request.params.id, request.body.assetIds)
        return reply.code(204).send(null)
      },
    )

    app.post(
      '/v1/albums/:id/assets/move',
      {
        config: { policy: { access: 'account', scope: 'assets:write', owns: 'album' } },
        schema: {
          operationId: 'moveInAlbum',
          tags: ['Albums'],
          summary: 'Arrange by hand; the order of the album is `custom` from then on',
          params: IdParams,
          body: Type.Object(
            {
              assetIds: AssetIds(),
              before: Type.Union([Type.String({ format: 'uuid' }), Type.Null()], { description: 'Null for the end' }),
            },
            { additionalProperties: false },
          ),
          response: orProblem({ 204: NoContent }),
        },
      },
      async (request, reply) => {
        const { assetIds, before } = request.body
        await moveAssets(context, attemptOf(request), actorOf(request).accountId, request.params.id, assetIds, before)
        return reply.code(204).send(null)
      },
    )

    await app.register(async (forms: typeof app) => {
      takeForms(forms)
      forms.post(
        '/v1/albums/:id/download',
        {
          config: { policy: { access: 'account', scope: 'assets:read', owns: 'album' } },
          schema: {
            operationId: 'downloadAlbum',
            tags: ['Albums'],
            summary: 'All of it, or these, as one ZIP, streamed; `missing.txt` names what there is no file of for you',
            params: IdParams,
            body: Type.Object({ ids: Type.Optional(AssetIds()) }, { additionalProperties: false }),
            produces: ['application/zip'],
          },
        },
        async (request, reply) => {
          const { accountId } = actorOf(request)
          const { row } = await openAlbum(db, accountId, request.params.id)
          const zip = await zipAlbum(download, {
            album: row,
            ids: request.body.ids,
            sharesLocation: ({ owner_id }) => row.share_location || owner_id === accountId,
            authorize: async () => void (await openAlbum(db, accountId, row.id)),
            record: (rows) => recordDownloads(request, rows),
          })
          reply.header('content-type', 'application/zip')
          reply.header('content-disposition', 'attachment; filename="heliograph.zip"')
          return reply.send(zip)
        },
      )
    })
  }

  async function recordDownloads(request: FastifyRequest, rows: AlbumAssetRow[]): Promise<void> {
    const attempt = attemptOf(request)
    await history.recordAll(
      db,
      rows.map(({ id, size, content_type: contentType }) => ({
        attempt,
        event: { action: 'asset.download', objectType: 'asset', objectId: id, size, contentType },
      })),
    )
  }
}
