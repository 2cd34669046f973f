import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { streamZip } from '../delivery/index.ts'
import type { Db } from '../engines/database/database.ts'
import type { ObjectStore } from '../engines/object-store/index.ts'
import { history } from '../history/index.ts'
import {
  etagOf,
  IdParams,
  NoContent,
  orNull,
  orProblem,
  PageQuery,
  pageOf,
  takeForms,
  versionOf,
} from '../http/conventions.ts'
import { actorOf, attemptOf } from '../http/policy.ts'
import { problems } from '../problem.ts'
import { type AssetRow, AssetSchema } from './asset.ts'
import {
  type ChangeContext,
  editAsset,
  markFavorites,
  purgeAssets,
  restoreAsset,
  restoreAssets,
  trashAssets,
} from './change.ts'
import { findAssets, getAsset, listAssets, noSuchAsset } from './library.ts'
import type { Presenter } from './presenter.ts'

export interface AssetRouteDeps {
  db: Db
  store: ObjectStore
  changes: ChangeContext
  presenter: Presenter
  /** Throws `not-found` unless the account belongs to the album. */
  openAlbum(accountId: string, albumId: string): Promise<unknown>
}

const maxBulk = 1000
const IdList = Type.Array(Type.String({ format: 'uuid' }), { minItems: 1, maxItems: maxBulk })

export function assetRoutes({ db, store, changes, presenter, openAlbum }: AssetRouteDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/v1/assets',
      {
        config: { policy: { access: 'account', scope: 'assets:read' } },
        schema: {
          operationId: 'listAssets',
          tags: ['Assets'],
          summary: 'The library, newest capture first; or a known set by `ids`',
          querystring: Type.Object({
            ...PageQuery,
            ids: Type.Optional(
              Type.String({ description: 'Comma-separated, at most 500; other filters are not applied' }),
            ),
            kind: Type.Optional(Type.Union([Type.Literal('image'), Type.Literal('video')])),
            album: Type.Optional(
              Type.String({ format: 'uuid', description: 'Your own among those of an album you belong to' }),
            ),
            from: Type.Optional(Type.String({ format: 'date-time' })),
            to: Type.Optional(Type.String({ format: 'date-time' })),
            favorite: Type.Optional(Type.Boolean()),
            trashed: Type.Optional(Type.Boolean({ default: false })),
          }),
          response: orProblem({ 200: pageOf(AssetSchema) }),
        },
      },
      async (request) => {
        const { ids, kind, album, from, to, favorite, trashed, limit, cursor } = request.query
        const ownerId = actorOf(request).accountId
        if (album !== undefined) await openAlbum(ownerId, album)
        if (ids !== undefined) {
          return { items: await presenter.all(await findAssets(db, ownerId, parseIds(ids))), nextCursor: null }
        }
        const page = await listAssets(
          db,
          ownerId,
          {
            kind,
            favorite,
            trashed: trashed ?? false,
            albumId: album,
            from: from === undefined ? undefined : new Date(from),
            to: to === undefined ? undefined : new Date(to),
          },
          { limit: limit ?? 50, cursor },
        )
        return { items: await presenter.all(page.items), nextCursor: page.nextCursor }
      },
    )

    app.get(
      '/v1/assets/:id',
      {
        config: { policy: { access: 'account', scope: 'assets:read', owns: 'asset' } },
        schema: {
          operationId: 'getAsset',
          tags: ['Assets'],
          params: IdParams,
          response: orProblem({ 200: AssetSchema }),
        },
      },
      async (request, reply) => {
        const asset = await getAsset(db, actorOf(request).accountId, request.params.id)
        reply.header('etag', etagOf(asset.version))
        return presenter.one(asset)
      },
    )

    app.patch(
      '/v1/assets/:id',
      {
        config: { policy: { access: 'account', scope: 'assets:write', owns: 'asset' } },
        schema: {
          operationId: 'editAsset',
          tags: ['Assets'],
          params: IdParams,
          body: Type.Object(
            {
              description: Type.Optional(orNull(Type.String({ maxLength: 10_000 }))),
              capturedAt: Type.Optional(Type.String({ format: 'date-time' })),
              favorite: Type.Optional(Type.Boolean()),
            },
            { additionalProperties: false, minProperties: 1 },
          ),
          response: orProblem({ 200: AssetSchema }),
        },
      },
      async (request, reply) => {
        const { description, capturedAt, favorite } = request.body
        const asset = await editAsset(
          changes,
          attemptOf(request),
          actorOf(request).accountId,
          request.params.id,
          {
            ...(description === undefined ? {} : { description }),
            ...(capturedAt === undefined ? {} : { capturedAt: new Date(capturedAt) }),
            ...(favorite === undefined ? {} : { favorite }),
          },
          versionOf(request.headers['if-match']),
        )
        reply.header('etag', etagOf(asset.version))
        return presenter.one(asset)
      },
    )

    app.delete(
      '/v1/assets/:id',
      {
        config: { policy: { access: 'account', scope: 'assets:write', owns: 'asset' } },
        schema: {
          operationId: 'deleteAsset',
          tags: ['Assets'],
          summary: 'To the trash; with `permanent=true` for good',
          params: IdParams,
          querystring: Type.Object({ permanent: Type.Optional(Type.Boolean({ default: false })) }),
          response: orProblem({ 204: NoContent }),
        },
      },
      async (request, reply) => {
        const remove = request.query.permanent === true ? purgeAssets : trashAssets
        const ownerId = actorOf(request).accountId
        const ifMatch = versionOf(request.headers['if-match'])
        const count = await remove(changes, attemptOf(request), ownerId, [request.params.id], ifMatch)
        if (count === 0) throw noSuchAsset()
        return reply.code(204).send(null)
      },
    )

    app.post(
      '/v1/assets/:id/restore',
      {
        config: { policy: { access: 'account', scope: 'assets:write', owns: 'asset' } },
        schema: {
          operationId: 'restoreAsset',
          tags: ['Assets'],
          summary: 'Out of the trash',
          params: IdParams,
          response: orProblem({ 200: AssetSchema }),
        },
      },
      async (request) =>
        presenter.one(await restoreAsset(changes, attemptOf(request), actorOf(request).accountId, request.params.id)),
    )

    app.post(
      '/v1/assets/delete',
      {
        config: { policy: { access: 'account', scope: 'assets:write' } },
        schema: {
          operationId: 'deleteAssets',
          tags: ['Assets'],
          summary: 'Many at once; what is not yours or not there is left out of `count`',
          body: Type.Object({ ids: IdList, permanent: Type.Optional(Type.Boolean({ default: false })) }),
          response: orProblem({ 200: Type.Object({ count: Type.Integer() }) }),
        },
      },
      async (request) => {
        const remove = request.body.permanent === true ? purgeAssets : trashAssets
        return { count: await remove(changes, attemptOf(request), actorOf(request).accountId, request.body.ids) }
      },
    )

    app.post(
      '/v1/assets/restore',
      {
        config: { policy: { access: 'account', scope: 'assets:write' } },
        schema: {
          operationId: 'restoreAssets',
          tags: ['Assets'],
          summary: 'Many at once out of the trash; what is not yours or not there is left out of `count`',
          body: Type.Object({ ids: IdList }, { additionalProperties: false }),
          response: orProblem({ 200: Type.Object({ count: Type.Integer() }) }),
        },
      },
      async (request) => {
        const restored = await restoreAssets(changes, attemptOf(request), actorOf(request).accountId, request.body.ids)
        return { count: restored.length }
      },
    )

    app.patch(
      '/v1/assets',
      {
        config: { policy: { access: 'account', scope: 'assets:write' } },
        schema: {
          operationId: 'markAssets',
          tags: ['Assets'],
          summary: 'Many favourites at once; what is not yours or not there is left out of `count`',
          body: Type.Object({ ids: IdList, favorite: Type.Boolean() }, { additionalProperties: false }),
          response: orProblem({ 200: Type.Object({ count: Type.Integer() }) }),
        },
      },
      async (request) => {
        const { ids, favorite } = request.body
        return {
          count: await markFavorites(changes, attemptOf(request), actorOf(request).accountId, ids, favorite),
        }
      },
    )

    await app.register(async (forms: typeof app) => {
      takeForms(forms)
      forms.post(
        '/v1/assets/download',
        {
          config: { policy: { access: 'account', scope: 'assets:read' } },
          schema: {
            operationId: 'downloadAssets',
            tags: ['Assets'],
            summary: 'The originals as one ZIP, streamed',
            body: Type.Object({ ids: IdList }),
            produces: ['application/zip'],
          },
        },
        async (request, reply) => {
          const attempt = attemptOf(request)
          const rows = await findAssets(db, actorOf(request).accountId, request.body.ids)
          if (rows.length === 0) throw noSuchAsset()
          await history.recordAll(
            db,
            rows.map((row) => ({
              attempt,
              event: {
                action: 'asset.download',
                objectType: 'asset',
                objectId: row.id,
                size: row.size,
                contentType: row.content_type,
              },
            })),
          )
          const inOrder = new Map(rows.map((row) => [row.id, row]))
          const wanted = [...new Set(request.body.ids)].flatMap((id) => inOrder.get(id) ?? [])
          reply.header('content-type', 'application/zip')
          reply.header('content-disposition', 'attachment; filename="heliograph.zip"')
          return reply.send(streamZip(entriesOf(store, wanted)))
        },
      )
    })
  }
}

async function* entriesOf(store: ObjectStore, rows: AssetRow[]) {
  for (const row of rows) {
    yield {
      filename: row.filename,
      size: row.size,
      modifiedAt: row.captured_at,
      open: async () => (await store.get(row.object_key)).body,
    }
  }
}

function parseIds(text: string): string[] {
  const ids = text.split(',').filter((id) => id !== '')
  if (ids.length > 500 || ids.some((id) => !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id))) {
    throw problems.invalidRequest('`ids` takes at most 500 ids, separated by commas.', {
      errors: [{ path: '/query/ids', message: 'must be at most 500 ids, separated by commas' }],
    })
  }
  return ids
}
