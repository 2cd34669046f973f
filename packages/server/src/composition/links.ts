/** The routes of links: what visitors are shown, what they send, and the films they watch. */
import type { FastifyPluginAsync } from 'fastify'
import type { People } from '../accounts/index.ts'
import { getAlbumAsset } from '../albums/index.ts'
import type { Presenter } from '../assets/index.ts'
import { createDelivery, type Deliverable } from '../delivery/index.ts'
import { type PlaylistUrls, playlistRoutes } from '../renditions/index.ts'
import { createLinkPresenter, linkRoutes, visitorBucket, visitorRoutes } from '../sharing/index.ts'
import { guestDoor, uploadRoutes } from '../uploads/index.ts'
import type { Domains } from './domains.ts'

export interface LinkRoutesDeps {
  domains: Domains
  presenter: Presenter
  people: People
  playlists: PlaylistUrls
  playUrlOf(file: Deliverable): Promise<string>
}

/** The playlists of owners are among them, as the same routes render both. */
export function sharedRoutes({
  domains,
  presenter,
  people,
  playlists,
  playUrlOf,
}: LinkRoutesDeps): FastifyPluginAsync[] {
  const { config, db, store, now, keys, site, sharing, uploads } = domains
  const visitorDelivery = createDelivery({
    ring: keys.ring,
    get publicUrl() {
      return site.publicUrl
    },
    store,
    config: { ...config, deliveryBucket: Math.min(config.deliveryBucket, visitorBucket) },
    now,
  })
  const visitorUrlOf = (file: Deliverable, until: Date | null) =>
    visitorDelivery.urlOf(file, 'inline', undefined, until)
  const links = createLinkPresenter({
    presenter,
    urlOf: visitorUrlOf,
    playlistUrl: ({ linkId, token, lock, until }, assetId) =>
      playlists.sign({ assetId, link: { id: linkId, token, lock } }, 'master.m3u8', until),
  })
  const publicUrl = () => site.publicUrl
  return [
    linkRoutes({ sharing, publicUrl }),
    visitorRoutes({
      db,
      sharing,
      people,
      presenter: links,
      download: { db, store, presenter, now },
      publicUrl,
    }),
    uploadRoutes({ uploads, door: guestDoor((visitor, asset) => links.asset(visitor, asset)) }),
    playlistRoutes({
      db,
      playlists,
      playUrlOf,
      visitorUrlOf,
      requireShown: async (albumId, assetId) => void (await getAlbumAsset(db, albumId, assetId)),
      now,
    }),
  ]
}
