/** What visitors of a link are answered. Whether they may is decided before, by the policy of each route. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { People } from '../accounts/index.ts'
import {
  AlbumAssetSchema,
  type AlbumRow,
  type DownloadDeps,
  findAlbumFacts,
  getAlbumAsset,
  listAlbumAssets,
  OrderSchema,
  zipAlbum,
} from '../albums/index.ts'
import type { Db } from '../engines/database/database.ts'
import { history } from '../history/index.ts'
import { orProblem, PageQuery, pageOf, takeForms } from '../http/conventions.ts'
import { attemptOf, visitorOf } from '../http/policy.ts'
import { linkCookie, linkCookieOptions } from './link-cookie.ts'
import type { LinkPresenter } from './presenting.ts'
import type { Sharing } from './sharing.ts'
import { noSuchLink, type Visitor } from './visitors.ts'

const OptionalText = Type.Union([Type.String(), Type.Null()])
const OptionalTime = Type.Union([Type.String({ format: 'date-time' }), Type.Null()])

const SharedAlbumSchema = Type.Object(
  {
    album: Type.Object({
      title: Type.String(),
      description: OptionalText,
      coverUrl: OptionalText,
      coverThumbhash: Type.Union([Type.String(), Type.Null()], { description: 'Base64' }),
      assetCount: Type.Integer(),
      order: OrderSchema,
      owner: Type.Object({ name: Type.String(), avatarUrl: OptionalText }),
      capturedFrom: OptionalTime,
      capturedTo: OptionalTime,
    }),
    allowDownload: Type.Boolean(),
    allowUpload: Type.Boolean(),
    hasPassword: Type.Boolean(),
    expiresAt: OptionalTime,
  },
  { $id: 'SharedAlbum' },
)

const TokenParams = Type.Object({ token: Type.String() })
const tags = ['Links']
const maxBulk = 1000

export interface VisitorRouteDeps {
  db: Db
  sharing: Sharing
  people: People
  presenter: LinkPresenter
  download: DownloadDeps
  publicUrl(): string
}

export function visitorRoutes(deps: VisitorRouteDeps): FastifyPluginAsyncTypebox {
  const { db, sharing, people, presenter } = deps

  /** It was there when the visitor was let in; should it be gone since, so is the link. */
  async function albumOf(visitor: Visitor): Promise<AlbumRow> {
    const album = await db.selectFrom('album').selectAll().where('id', '=', visitor.albumId).executeTakeFirst()
    if (album === undefined) throw noSuchLink()
    return album
  }

  return async (app) => {
    app.get(
      '/v1/links/:token',
      {
        config: { policy: { access: 'link', needs: 'see' } },
        schema: {
          operationId: 'getSharedAlbum',
          tags,
          summary: 'The album that a link shows, and what the link allows',
          params: TokenParams,
          response: orProblem({ 200: SharedAlbumSchema }),
        },
      },
      async (request) => {
        const visitor = visitorOf(request)
        const [album, facts, owners] = await Promise.all([
          albumOf(visitor),
          findAlbumFacts(db, [visitor.albumId]),
          people.find([visitor.ownerId]),
        ])
        const known = facts.get(album.id)
        const owner = owners.get(visitor.ownerId)
        if (known === undefined || owner === undefined) throw noSuchLink()
        const { cover } = known
        return {
          album: {
            title: album.title,
            description: album.description,
            coverUrl: cover === null || cover.file === null ? null : await presenter.urlOf(visitor, cover.file),
            coverThumbhash: base64(cover?.thumbhash ?? null),
            assetCount: known.assetCount,
            order: album.sort,
            owner: { name: owner.name, avatarUrl: owner.avatarUrl },
            capturedFrom: known.capturedFrom?.toISOString() ?? null,
            capturedTo: known.capturedTo?.toISOString() ?? null,
          },
          allowDownload: visitor.allowDownload,
          allowUpload: visitor.allowUpload,
          hasPassword: visitor.hasPassword,
          expiresAt: visitor.expiresAt?.toISOString() ?? null,
        }
      },
    )

    app.post(
      '/v1/links/:token/unlock',
      {
        config: { policy: { access: 'link', needs: 'unlock' } },
        schema: {
          operationId: 'unlockLink',
          tags,
          summary:
            'Open a link with its password, for twelve hours: by the cookie it sets, or `access` as a bearer token',
          params: TokenParams,
          body: Type.Object({ password: Type.String({ maxLength: 1024 }) }, { additionalProperties: false }),
          response: orProblem({
            200: Type.Object({ access: Type.String(), expiresAt: Type.String({ format: 'date-time' }) }),
          }),
        },
      },
      async (request, reply) => {
        const visitor = visitorOf(request)
        const { access, expiresAt } = await sharing.unlock(visitor, request.body.password, attemptOf(request))
        const cookie = { ...linkCookieOptions(deps.publicUrl(), visitor.token), expires: expiresAt }
        return reply.setCookie(linkCookie, access, cookie).send({ access, expiresAt: expiresAt.toISOString() })
      },
    )

    app.get(
      '/v1/links/:token/assets',
      {
        config: { policy: { access: 'link', needs: 'see' } },
        schema: {
          operationId: 'listSharedAssets',
          tags,
          summary: 'The photos and videos of a link, in the order of its album',
          params: TokenParams,
          querystring: Type.Object(PageQuery),
          response: orProblem({ 200: pageOf(AlbumAssetSchema) }),
        },
      },
      async (request) => {
        const visitor = visitorOf(request)
        const { limit, cursor } = request.query
        const page = await listAlbumAssets(db, await albumOf(visitor), { limit: limit ?? 50, cursor })
        const assets = await presenter.assets(visitor, page.items)
        return { items: assets.map(toShared), nextCursor: page.nextCursor }
      },
    )

    app.get(
      '/v1/links/:token/assets/:id',
      {
        config: { policy: { access: 'link', needs: 'see' } },
        schema: {
          operationId: 'getSharedAsset',
          tags,
          params: Type.Object({ token: Type.String(), id: Type.String({ format: 'uuid' }) }),
          response: orProblem({ 200: AlbumAssetSchema }),
        },
      },
      async (request) => {
        const visitor = visitorOf(request)
        const row = await getAlbumAsset(db, visitor.albumId, request.params.id)
        return toShared(await presenter.asset(visitor, row))
      },
    )

    await app.register(async (forms: typeof app) => {
      takeForms(forms)
      forms.post(
        '/v1/links/:token/download',
        {
          config: { policy: { access: 'link', needs: 'download' } },
          schema: {
            operationId: 'downloadSharedAlbum',
            tags,
            summary:
              'The album, or some of it, as one ZIP, streamed; `missing.txt` names what there is no file of for visitors',
            params: TokenParams,
            body: Type.Object(
              {
                ids: Type.Optional(
                  Type.Array(Type.String({ format: 'uuid' }), {
                    minItems: 1,
                    maxItems: maxBulk,
                    description: 'All that the link shows when absent',
                  }),
                ),
              },
              { additionalProperties: false },
            ),
            produces: ['application/zip'],
          },
        },
        async (request, reply) => {
          const visitor = visitorOf(request)
          const attempt = attemptOf(request)
          const zip = await zipAlbum(deps.download, {
            album: await albumOf(visitor),
            ids: request.body.ids,
            sharesLocation: () => visitor.showLocation,
            authorize: async () => void (await sharing.admit(request, 'download')),
            record: (rows) =>
              history.record(db, attempt, {
                action: 'link.download',
                objectType: 'link',
                objectId: visitor.linkId,
                size: rows.reduce((sum, { size }) => sum + size, 0),
              }),
          })
          reply.header('content-type', 'application/zip')
          reply.header('content-disposition', 'attachment; filename="heliograph.zip"')
          return reply.send(zip)
        },
      )
    })
  }
}

/** Visitors are not told who added what. */
function toShared<T extends object>(asset: T): T & { addedBy: null } {
  return { ...asset, addedBy: null }
}

function base64(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('base64')
}
