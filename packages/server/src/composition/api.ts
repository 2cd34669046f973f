/** The routes of the api role. */
import { createSigner, createVerifier } from '@heliograph/signing'
import type { FastifyPluginAsync } from 'fastify'
import { accountRoutes } from '../accounts/index.ts'
import { assetRoutes, createPresenter } from '../assets/index.ts'
import { createDelivery, jwksRoutes } from '../delivery/index.ts'
import { createEventStreams, eventRoutes } from '../events/index.ts'
import { createPlaylistUrls, longestPlay, playlistRoutes } from '../renditions/index.ts'
import { defaultPartSize, streamRoute, tusRoutes, uploadRoutes, uppyRoutes } from '../uploads/index.ts'
import type { Domains } from './domains.ts'
import { version } from './version.ts'

export function apiRoutes(domains: Domains): FastifyPluginAsync[] {
  const { config, log, engines, injected, db, store, now, metrics, historyWriter, keys, site } = domains
  const { delivery, uploads, changes, accounts, authenticator, admission } = domains
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
    verifier: createVerifier(ring, keys),
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
    playlistUrl: (assetId) => playlists.sign(assetId, 'master.m3u8'),
  })
  return [
    accountRoutes({
      accounts,
      config: { ...config, version, partSize: defaultPartSize, publicUrl: site.publicUrl },
    }),
    uploadRoutes({ uploads, presenter }),
    streamRoute({ uploads, presenter, admission, bytesIn: metrics.bytesIn }),
    tusRoutes({ uploads, admission, bytesIn: metrics.bytesIn, record: historyWriter.add }),
    uppyRoutes({
      uploads,
      admission,
      bytesIn: metrics.bytesIn,
      publicUrl: () => site.publicUrl,
      authenticatePathToken: authenticator.authenticatePathToken,
    }),
    assetRoutes({ db, store, changes, presenter }),
    playlistRoutes({ db, playlists, playUrlOf }),
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
