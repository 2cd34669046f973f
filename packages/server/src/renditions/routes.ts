/**
 * HLS playlists (RFC 8216), rendered from the rows for whoever holds their signed URL. Those of a link are asked for anew
 * at every step: its playlists name no file but a route of the link, which looks at the link and the album again before
 * it sends the player on to the bytes.
 */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Deliverable } from '../delivery/index.ts'
import type { Db } from '../engines/database/database.ts'
import { NoContent, orProblem } from '../http/conventions.ts'
import { visitorOf } from '../http/policy.ts'
import { problems } from '../problem.ts'
import type { PlaylistsOf, PlaylistUrls } from './playlist-urls.ts'
import { type HlsVariant, masterPlaylist, mediaPlaylist } from './video/index.ts'

export interface PlaylistRouteDeps {
  db: Db
  playlists: PlaylistUrls
  /** Signs the URL of a file for as long as a film is watched. */
  playUrlOf(file: Deliverable): Promise<string>
  /** The same for visitors: for a short time, and not beyond `until`. */
  visitorUrlOf(file: Deliverable, until: Date): Promise<string>
  /** Throws `not-found` unless the album shows the asset. */
  requireShown(albumId: string, assetId: string): Promise<void>
  now: () => Date
}

interface ReadyVariant {
  name: string
  object_key: string
  content_type: string
  width: number
  height: number
  detail: HlsVariant
}

/** A master playlist grows while further sizes are made, so it is kept for a moment only. Seconds. */
const masterLife = 10
const mediaLife = 60
const playlistType = 'application/vnd.apple.mpegurl'

export function playlistRoutes(deps: PlaylistRouteDeps): FastifyPluginAsyncTypebox {
  const { db, playlists } = deps

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
          produces: [playlistType],
          response: orProblem({ 200: Type.String() }),
        },
      },
      async (request, reply) => {
        const { id, playlist } = request.params
        const of: PlaylistsOf = { assetId: id, link: null }
        const until = await playlists.verify(of, playlist, queryOf(request))
        const variants = await findVariants(db, id)
        const isMaster = playlist === 'master.m3u8'
        const text = isMaster ? await renderMaster(of, variants) : await renderMedia(variantOf(variants, playlist))
        const life = Math.floor((until.getTime() - deps.now().getTime()) / 1000)
        const longest = isMaster ? masterLife : mediaLife
        reply.header('cache-control', `private, max-age=${Math.max(0, Math.min(longest, life))}`)
        return reply.header('content-type', playlistType).send(text)
      },
    )

    app.get(
      '/v1/links/:token/assets/:id/hls/:file',
      {
        config: { policy: { access: 'link', needs: 'play' } },
        schema: {
          operationId: 'getLinkPlaylist',
          tags: ['Links'],
          summary: 'A playlist of a video, or by a redirection a file it names, by the signed URL given to a visitor',
          params: Type.Object({
            token: Type.String(),
            id: Type.String({ format: 'uuid' }),
            file: Type.String({ pattern: '^(master\\.m3u8|hls-[0-9]+\\.(m3u8|mp4))$' }),
          }),
          produces: [playlistType],
          response: orProblem({ 200: Type.String(), 302: NoContent }),
        },
      },
      async (request, reply) => {
        const { id, file } = request.params
        const visitor = visitorOf(request)
        const of: PlaylistsOf = { assetId: id, link: { id: visitor.linkId, token: visitor.token, lock: visitor.lock } }
        const granted = await playlists.verify(of, file, queryOf(request))
        const until = visitor.until !== null && visitor.until < granted ? visitor.until : granted
        await deps.requireShown(visitor.albumId, id)
        const variants = await findVariants(db, id)
        if (file.endsWith('.mp4')) {
          const variant = variantOf(variants, file)
          return reply.redirect(await deps.visitorUrlOf({ ...variant, filename: null }, until), 302)
        }
        const text =
          file === 'master.m3u8'
            ? await renderMaster(of, variants, until)
            : await renderVisitorMedia(of, variantOf(variants, file), until)
        return reply.header('content-type', playlistType).send(text)
      },
    )
  }

  async function renderMedia(variant: ReadyVariant): Promise<string> {
    return mediaPlaylist(variant.detail, await deps.playUrlOf({ ...variant, filename: null }))
  }

  async function renderVisitorMedia(of: PlaylistsOf, { name, detail }: ReadyVariant, until: Date): Promise<string> {
    return mediaPlaylist(detail, await playlists.sign(of, `${name}.mp4`, until))
  }

  async function renderMaster(of: PlaylistsOf, variants: ReadyVariant[], until: Date | null = null): Promise<string> {
    if (variants.length === 0) throw noSuchVideo()
    const urls = new Map(
      await Promise.all(
        variants.map(async ({ name }) => [name, await playlists.sign(of, `${name}.m3u8`, until)] as const),
      ),
    )
    return masterPlaylist(variants, ({ name }) => urls.get(name) ?? '')
  }
}

/** As it was signed: parsed and written again it might be another. */
function queryOf({ raw: { url = '' } }: FastifyRequest): string {
  const question = url.indexOf('?')
  return question < 0 ? '' : url.slice(question)
}

/** `file` is the name of a variant with an extension. */
function variantOf(variants: ReadyVariant[], file: string): ReadyVariant {
  const variant = variants.find(({ name }) => name === file.slice(0, file.lastIndexOf('.')))
  if (variant !== undefined) return variant
  throw variants.length === 0 ? noSuchVideo() : problems.notFound('There is no such size of this video.')
}

function noSuchVideo() {
  return problems.notFound('There is no such video any more.')
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
