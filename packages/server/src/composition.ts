/**
 * The one place that knows every part: opens the engines that the settings name, builds the domains on them and plugs
 * their routes and tasks into the roles this process has. No part below knows another one's construction.
 */

import type { Server } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createSigner, createVerifier } from '@heliograph/signing'
import type { FastifyBaseLogger, FastifyPluginAsync } from 'fastify'
import { sql } from 'kysely'
import { accountRoutes, accountTasks, createAccounts, createAuthenticator, parseJwtIssuers } from './accounts/index.ts'
import { assetRoutes, assetTasks, type ChangeContext, createPresenter, markLost } from './assets/index.ts'
import { type Config, SettingsError } from './config/index.ts'
import { createDelivery, jwksRoutes, openSigningKeys } from './delivery/index.ts'
import {
  createEdgeCache,
  edgeRoutes,
  isRendition,
  purgeOnDelete,
  type RecordTransfer,
  storeSource,
} from './edge/index.ts'
import { type OpenDatabase, openDatabase } from './engines/database/database.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from './engines/database/embedded/embedded-postgres.ts'
import { migrate } from './engines/database/migrate.ts'
import { createFaults, type Fault } from './engines/faults/faults.ts'
import { createJobs, migrateJobs, type RunningJobs, type Tasks } from './engines/jobs/jobs.ts'
import { type ObjectStore, openObjectStore } from './engines/object-store/index.ts'
import { createSandbox } from './engines/sandbox/sandbox.ts'
import { createMetrics } from './engines/telemetry/metrics.ts'
import { createEventStreams, type EventStreamLimits, eventRoutes, eventTasks } from './events/index.ts'
import { createHistoryWriter } from './history/index.ts'
import { createAdmission } from './http/admission.ts'
import { createApp } from './http/app.ts'
import { healthRoutes } from './http/health.ts'
import { forgetIdempotencyKeys } from './http/idempotency.ts'
import { createOperationsServer } from './http/operations.ts'
import { attemptOf, type DeclaredRoute } from './http/policy.ts'
import { giveUpObjects, purgeTasks } from './purge/index.ts'
import {
  createImageDecoder,
  createIsolatedFiles,
  createLazyVideoDecoder,
  createPlaylistUrls,
  findAvatar,
  longestPlay,
  playlistRoutes,
  type RenditionContext,
  renditionLanes,
  renditionTasks,
  sweepScratch,
} from './renditions/index.ts'
import {
  createPace,
  createUploads,
  defaultPartSize,
  streamRoute,
  tusRoutes,
  type UploadContext,
  type UploadEdge,
  uploadRoutes,
  uploadTasks,
  uppyRoutes,
  uppyTasks,
} from './uploads/index.ts'
import { startWorker } from './worker/worker.ts'

export const version: string = (createRequire(import.meta.url)('../package.json') as { version: string }).version

export interface HeliographServer {
  /** The address people reach this server under. */
  url: string
  /** Where this process listens; null without an api or edge. */
  address: string | null
  opsAddress: string
  hasAccounts(): Promise<boolean>
  engines: Engines
  /** Every route with its policy, for the test that tries them all. */
  declaredRoutes: DeclaredRoute[]
  /** Drains: not ready, wait, finish what runs, hand jobs back, close the engines. Repeating it waits for the first. */
  close(): Promise<void>
}

/** Every engine and domain function, without anything listening: for the server, and for commands such as `doctor`. */
export type Engines = Awaited<ReturnType<typeof openEngines>>

export async function openEngines(
  config: Config,
  log: FastifyBaseLogger,
  options: { migrate: boolean; fault?: Fault },
) {
  const opened = await openObjectStore(
    config.objectStoreUrl ?? `file:${encodeURI(join(config.dataDir, 'files'))}`,
    options.fault === undefined ? {} : { fault: options.fault },
  )
  // Whoever deletes also clears the edge's cache, if it is one that lies here.
  const store = hasEdgeCache(config, opened) ? purgeOnDelete(opened, cacheFolder(config)) : opened
  const embedded = config.databaseUrl === null ? await startEmbedded(config, log) : null
  const database = openDatabase({
    url: config.databaseUrl ?? embedded?.url ?? '',
    poolSize: config.databasePool,
    onError: (error) => log.warn({ err: error }, 'an idle database connection broke'),
  })
  try {
    if (options.migrate) await migrateAll(database)
  } catch (error) {
    await closeEngines()
    throw error
  }

  async function closeEngines(): Promise<void> {
    await store.close()
    await database.close()
    await embedded?.release()
  }

  const jobs = createJobs({ db: database.db, pool: database.pool, log })
  return { ...database, store, jobs, close: closeEngines }
}

/** What a test may put in place of the real thing: time, and faults between the domains and the store. */
export interface Injected {
  now?: () => Date
  eventStreams?: Partial<EventStreamLimits>
  store?: (store: ObjectStore) => ObjectStore
}

export async function startServer(
  config: Config,
  log: FastifyBaseLogger,
  injected: Injected = {},
): Promise<HeliographServer> {
  const fault = createFaults(config.faultPoint)
  const engines = await openEngines(config, log, { migrate: true, fault })
  try {
    return await startRoles(config, log, engines, fault, injected)
  } catch (error) {
    await engines.close()
    throw error
  }
}

async function startRoles(
  config: Config,
  log: FastifyBaseLogger,
  engines: Engines,
  fault: Fault,
  injected: Injected,
): Promise<HeliographServer> {
  const { db, pool, jobs } = engines
  const store = injected.store?.(engines.store) ?? engines.store
  const now = injected.now ?? (() => new Date())
  const metrics = createMetrics({ pool, jobs })
  const historyWriter = createHistoryWriter({ db, log })
  const keys = await openSigningKeys({ config, log })
  const { ring } = keys
  const has = (role: Config['roles'][number]) => config.roles.includes(role)

  let listening: string | null = null
  const site = {
    get publicUrl(): string {
      return config.publicUrl ?? listening ?? `http://${config.host}:${config.port}`
    },
  }

  const delivery = createDelivery({
    ring,
    get publicUrl() {
      return site.publicUrl
    },
    store,
    config,
    now,
  })
  const uploadContext: UploadContext = {
    db,
    store,
    jobs,
    edges: edgesOf(config, ring, site),
    limits: config,
    pace: createPace(),
    now,
    fault,
    log,
  }
  const uploads = createUploads(uploadContext)
  const changes: ChangeContext = { db, jobs, now, fault, trashDays: config.trashDays }
  const issuers = parseJwtIssuers(config.jwtIssuers)
  const accounts = createAccounts({
    ...config,
    db,
    jobs,
    issuers,
    avatarUrl: async (assetId) => {
      const key = await findAvatar(db, assetId)
      return key === null ? null : delivery.publicUrlOf(key)
    },
    now,
  })
  const authenticator = createAuthenticator({
    db,
    issuers,
    storageLimit: config.storageLimit,
    allowedOrigins: new Set(originsOf(config)),
    now,
  })
  const admission = createAdmission(config.maxStreams)

  let draining = false
  const routes: FastifyPluginAsync[] = [
    healthRoutes({
      isDraining: () => draining,
      checks: {
        database: async () => void (await sql`select 1`.execute(db)),
        store: () => store.ping(),
      },
    }),
  ]
  if (has('api')) {
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
      urlOf,
      playUrlOf,
      playlistUrl: (assetId) => playlists.sign(assetId, 'master.m3u8'),
    })
    routes.push(
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
    )
  }
  if (has('edge')) {
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
    const cache = hasEdgeCache(config, store) ? openEdgeCache() : null
    // What a killed process left half-written, and what is too much.
    void cache?.settle()
    routes.push(
      edgeRoutes({
        store,
        source: cache ?? storeSource(store),
        readAdmission: createAdmission(config.maxDownloads, 'sends'),
        accelRedirect: config.accelRedirect,
        verifier: createVerifier(ring, keys),
        admission,
        origins: originsOf(config),
        meter: metrics,
        record,
      }),
    )
  }

  function openEdgeCache() {
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

  const { app, declaredRoutes } = await createApp({
    db,
    log,
    metrics,
    version,
    trustedProxies: config.trustedProxies,
    origins: originsOf(config),
    authenticate: authenticator.authenticate,
    routes,
  })
  const operations = createOperationsServer(metrics, (error) =>
    log.error({ err: error }, 'metrics could not be gathered'),
  )

  // Half-written files of a process that was killed; those of living ones are left alone.
  await store.sweep()
  if (has('api') || has('edge')) listening = await app.listen({ port: config.port, host: config.host })
  const opsAddress = await listen(operations, config.opsPort, config.opsHost)
  const worker = has('worker') ? await runWorker() : null

  async function runWorker(): Promise<RunningJobs> {
    const scratch = join(config.dataDir, 'scratch')
    await sweepScratch(scratch, log)
    const sandbox = await createSandbox()
    if (sandbox.strength.missing !== null)
      log.warn({ missing: sandbox.strength.missing }, 'decoders are not fully isolated')
    const images = createImageDecoder({ sandbox, processes: config.imageConcurrency, log })
    const renditions: RenditionContext = {
      db,
      store,
      jobs,
      images,
      videos: createLazyVideoDecoder({ sandbox, searchPath: config.searchPath }),
      files: createIsolatedFiles({ sandbox, log }),
      scratch,
      avif: config.avif === 'on',
      deliveryBucket: config.deliveryBucket,
      now,
      fault,
      log,
      markLost: async (asset, attempt) => void (await markLost(db, asset, 'original-missing', attempt)),
    }
    const tasks: Tasks = {
      ...uploadTasks(uploadContext),
      ...uppyTasks(uploadContext),
      ...purgeTasks({ db, store, jobs, now, fault }),
      ...assetTasks(changes),
      ...renditionTasks(renditions),
      ...accountTasks({ db, giveUpObjects: (tx, objects) => giveUpObjects(jobs, tx, objects) }),
      ...eventTasks({ db }),
      'housekeeping:tidy': () => forgetIdempotencyKeys(db),
    }
    const running = await startWorker({
      jobs,
      tasks,
      concurrency: config.workerConcurrency,
      lanes: renditionLanes(renditions, { images: config.imageConcurrency, videos: config.videoConcurrency }),
    })
    // What fell due while nothing ran need not wait for the full hour.
    await jobs.enqueue(db, 'uploads:expire', {}, { key: 'uploads:expire' })
    await jobs.enqueue(db, 'objects:sweep', {}, { key: 'objects:sweep' })
    return {
      async stop() {
        await running.stop()
        await images.close()
      },
    }
  }

  async function drain(): Promise<void> {
    draining = true
    await new Promise((resolve) => setTimeout(resolve, config.drainDelay * 1000))
    await app.close()
    keys.close()
    await worker?.stop()
    await historyWriter.close()
    await new Promise<void>((resolve) => operations.close(() => resolve()))
    await engines.close()
  }

  let closing: Promise<void> | null = null
  return {
    url: site.publicUrl,
    address: listening,
    opsAddress,
    hasAccounts: () => accounts.hasAccounts(),
    engines,
    declaredRoutes,
    close() {
      closing ??= drain()
      return closing
    },
  }
}

async function startEmbedded(config: Config, log: FastifyBaseLogger): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({ dataDir: join(config.dataDir, 'postgres'), log })
}

export async function migrateAll({ db, pool }: Pick<OpenDatabase, 'db' | 'pool'>): Promise<string[]> {
  const applied = await migrate(db)
  await migrateJobs(pool)
  return applied
}

/** The edge of this program first (it knows the HMAC key), then those elsewhere (they verify with the public one). */
function edgesOf(config: Config, ring: Parameters<typeof createSigner>[0], site: { publicUrl: string }): UploadEdge[] {
  const trusted = createSigner(ring)
  const remote = createSigner(ring, 'Ed25519')
  const own: UploadEdge = {
    name: 'edge',
    get baseUrl() {
      return site.publicUrl
    },
    sign: (baseUrl, grant) => trusted.upload(baseUrl, grant),
  }
  const others = config.edgeUrls.map((entry, index) => {
    const [, name, baseUrl] = /^([a-z0-9-]+)=(https?:\/\/.+)$/.exec(entry) ?? []
    if (name === undefined || baseUrl === undefined) {
      throw new Error(`EDGE_URLS: entry ${index + 1} must look like name=https://edge.example`)
    }
    return {
      name,
      baseUrl: baseUrl.replace(/\/$/, ''),
      sign: (base: string, grant: Parameters<UploadEdge['sign']>[1]) => remote.upload(base, grant),
    }
  })
  return [own, ...others]
}

/** Files on this machine need none. */
function hasEdgeCache(config: Config, store: Pick<ObjectStore, 'localPath'>): boolean {
  return config.edgeCacheSize > 0 && store.localPath('any') === null
}

function cacheFolder(config: Config): string {
  return config.edgeCacheDir ?? join(config.dataDir, 'cache')
}

export function originsOf(config: Pick<Config, 'publicUrl' | 'corsOrigins'>): string[] {
  const own = config.publicUrl === null ? [] : [new URL(config.publicUrl).origin]
  return [...own, ...config.corsOrigins]
}

function listen(server: Server, port: number, host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? `http://${host}:${address.port}` : '')
    })
  })
}
