/** HLS playlists (RFC 8216), rendered from the rows for whoever holds their signed URL. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Deliverable } from '../delivery/index.ts'
import type { Db } from '../engines/database/database.ts'
import { orProblem } from '../http/conventions.ts'
import { problems } from '../problem.ts'
import type { PlaylistUrls } from './playlist-urls.ts'
import { type HlsVariant, masterPlaylist, mediaPlaylist } from './video/index.ts'

export interface PlaylistRouteDeps {
  db: Db
  playlists: PlaylistUrls
  /** Signs the URL of a file for as long as a film is watched. */
  playUrlOf(file: Deliverable): Promise<string>
}

interface ReadyVariant {
  name: string
  object_key: string
  content_type: string
  width: number
  height: number
  detail: HlsVariant
}

/** A master playlist grows while further sizes are made, so it is kept for a moment only. */
const masterLife = 10

export function playlistRoutes({ db, playlists, playUrlOf }: PlaylistRouteDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/v1/assets/:id/hls/:playlist',
      {
        config: { policy: { access: 'grant' } },
        schema: {
          operationId: 'getPlaylist',
          tags: ['Assets'],
          summary: 'A playlist of a video, by the signed URL in `urls.hls` or in another playlist',
          params: Type.Object({
            id: Type.String({ format: 'uuid' }),
            playlist: Type.String({ pattern: '^(master|hls-[0-9]+)\\.m3u8$' }),
          }),
          produces: ['application/vnd.apple.mpegurl'],
          response: orProblem({ 200: Type.String() }),
        },
      },
      async (request, reply) => {
        const { id, playlist } = request.params
        const question = request.raw.url?.indexOf('?') ?? -1
        const query = question < 0 ? '' : (request.raw.url?.slice(question) ?? '')
        const life = await playlists.verify(id, playlist, query)
        const variants = await findVariants(db, id)
        if (variants.length === 0) throw problems.notFound('There is no such video any more.')
        reply.header('content-type', 'application/vnd.apple.mpegurl')
        if (playlist === 'master.m3u8') {
          reply.header('cache-control', `private, max-age=${Math.min(masterLife, life)}`)
          return reply.send(await renderMaster(id, variants))
        }
        const variant = variants.find(({ name }) => `${name}.m3u8` === playlist)
        if (variant === undefined) throw problems.notFound('There is no such size of this video.')
        reply.header('cache-control', `private, max-age=${Math.min(60, life)}`)
        return reply.send(mediaPlaylist(variant.detail, await playUrlOf({ ...variant, filename: null })))
      },
    )
  }

  async function renderMaster(assetId: string, variants: ReadyVariant[]): Promise<string> {
    const urls = new Map(
      await Promise.all(
        variants.map(async ({ name }) => [name, await playlists.sign(assetId, `${name}.m3u8`)] as const),
      ),
    )
    return masterPlaylist(variants, ({ name }) => urls.get(name) ?? '')
  }
}

/** The one that players begin with first: 720, which most connections carry. */
async function findVariants(db: Db, assetId: string): Promise<ReadyVariant[]> {
  const rows = await db
    .selectFrom('rendition')
    .select(['name', 'object_key', 'content_type', 'width', 'height', 'detail'])
    .where('asset_id', '=', assetId)
    .where('name', 'like', 'hls-%')
    .execute()
  const variants = rows.flatMap((row) => {
    const { width, height, detail } = row
    return width === null || height === null || detail === null
      ? []
      : [{ ...row, width, height, detail: detail as HlsVariant }]
  })
  const shortSide = ({ width, height }: ReadyVariant) => Math.min(width, height)
  return variants.sort(
    (one, other) =>
      Number(other.name === 'hls-720') - Number(one.name === 'hls-720') || shortSide(one) - shortSide(other),
  )
}
