/** The routes of the api role. */
import { createSigner, createVerifier } from '@heliograph/signing'
import type { FastifyPluginAsync } from 'fastify'
import { accountRoutes, createPeople } from '../accounts/index.ts'
import { albumRoutes, createAlbumPresenter, openAlbum } from '../albums/index.ts'
import { assetRoutes, createPresenter } from '../assets/index.ts'
import { createDelivery, jwksRoutes } from '../delivery/index.ts'
import { createEventStreams, eventRoutes } from '../events/index.ts'
import { createPlaylistUrls, longestPlay } from '../renditions/index.ts'
import { timelineRoutes } from '../timeline/index.ts'
import { accountDoor, defaultPartSize, streamRoute, tusRoutes, uploadRoutes, uppyRoutes } from '../uploads/index.ts'
import type { Domains } from './domains.ts'
import { sharedRoutes } from './links.ts'
import { version } from './version.ts'

export function apiRoutes(domains: Domains): FastifyPluginAsync[] {
  const { config, log, engines, injected, db, store, now, metrics, historyWriter, keys, site } = domains
  const { delivery, timeline, uploads, changes, accounts, authenticator, admission } = domains
  const { ring } = keys

  const urlOf = (file: Parameters<typeof delivery.urlOf>[0]) => delivery.urlOf(file)
  const filmDelivery = createDelivery({
    ring,
    get publicUrl() {
      return site.publicUrl
    },
    store,
    config: { ...config, deliveryBucket: Math.max(config.deliveryBucket, longestPlay) },
    now,
  })
  const playUrlOf = (file: Parameters<typeof delivery.urlOf>[0]) => filmDelivery.urlOf(file)
  const playlists = createPlaylistUrls({
    signer: createSigner(ring),
    verifier: createVerifier(ring, { ...keys, now: () => Math.floor(now().getTime() / 1000) }),
    get publicUrl() {
      return site.publicUrl
    },
    deliveryBucket: config.deliveryBucket,
    now,
  })
  const presenter = createPresenter({
    db,
    jobs: engines.jobs,
    now,
    urlOf,
    playUrlOf,
    playlistUrl: (assetId) => playlists.sign({ assetId, link: null }, 'master.m3u8'),
  })
  const people = createPeople({ db, publicUrlOf: (key) => delivery.publicUrlOf(key) })
  return [
    accountRoutes({
      accounts,
      config: { ...config, version, partSize: defaultPartSize, publicUrl: site.publicUrl },
    }),
    uploadRoutes({ uploads, door: accountDoor(presenter) }),
    streamRoute({ uploads, presenter, admission, bytesIn: metrics.bytesIn }),
    tusRoutes({ uploads, admission, bytesIn: metrics.bytesIn, record: historyWriter.add }),
    uppyRoutes({
      uploads,
      admission,
      bytesIn: metrics.bytesIn,
      publicUrl: () => site.publicUrl,
      authenticatePathToken: authenticator.authenticatePathToken,
    }),
    assetRoutes({
      db,
      store,
      changes,
      presenter,
      openAlbum: (accountId, albumId) => openAlbum(db, accountId, albumId),
    }),
    timelineRoutes({ timeline }),
    albumRoutes({
      context: { db, now },
      people,
      presenter: createAlbumPresenter({ db, people, presenter, urlOf, now }),
      download: { db, store, presenter, now },
    }),
    ...sharedRoutes({ domains, presenter, people, playlists, playUrlOf }),
    jwksRoutes({ ring }),
    eventRoutes({
      streams: createEventStreams({
        db,
        databaseUrl: engines.url,
        log,
        meter: metrics,
        limits: injected.eventStreams ?? {},
      }),
      authenticate: authenticator.authenticate,
    }),
  ]
}
