/** The routes of the edge role, with its cache where the store is elsewhere. */
import { createVerifier } from '@heliograph/signing'
import type { FastifyPluginAsync } from 'fastify'
import { SettingsError } from '../config/index.ts'
import { createEdgeCache, edgeRoutes, isRendition, type RecordTransfer, storeSource } from '../edge/index.ts'
import { createAdmission } from '../http/admission.ts'
import { attemptOf } from '../http/policy.ts'
import type { Domains } from './domains.ts'
import { cacheFolder, hasEdgeCache } from './edge-cache.ts'
import { originsOf } from './upload-edges.ts'

export function edgeRole(domains: Domains): FastifyPluginAsync[] {
  const { config, fault, store, metrics, historyWriter, keys, admission, injected } = domains
  const now = injected.edgeNow ?? domains.now
  const record: RecordTransfer = (request, { objectKey, ...event }) => {
    if (event.action === 'upload.part') fault('part.received')
    // That a picture was looked at is counted; that somebody took the file itself is history.
    if (event.errorClass === undefined && objectKey !== null && isRendition(objectKey)) return
    const attempt = attemptOf(request, 'direct', 'edge')
    historyWriter.add(attempt, objectKey === null ? event : { ...event, objectId: objectKey })
  }
  if (config.accelRedirect !== null && config.trustedProxies.length === 0) {
    throw new SettingsError('ACCEL_REDIRECT needs TRUSTED_PROXIES: only a proxy that is known may send files.')
  }
  const cache = hasEdgeCache(config, store) ? openEdgeCache(domains) : null
  // What a killed process left half-written, and what is too much.
  void cache?.settle()
  return [
    edgeRoutes({
      store,
      source: cache ?? storeSource(store),
      readAdmission: createAdmission(config.maxDownloads, 'sends'),
      accelRedirect: config.accelRedirect,
      verifier: createVerifier(keys.ring, { ...keys, now: () => Math.floor(now().getTime() / 1000) }),
      admission,
      origins: originsOf(config),
      meter: metrics,
      record,
      now,
    }),
  ]
}

function openEdgeCache({ config, log, store, metrics, now }: Domains) {
  return createEdgeCache({
    store,
    folder: cacheFolder(config),
    limit: config.edgeCacheSize,
    maxAge: config.edgeCacheMaxAge,
    meter: metrics,
    now,
    onError: (error) => log.warn({ err: error }, 'the cache of the edge fails; files come from the store'),
  })
}
