/** The domains that more than one role uses, built once on the engines. */
import type { FastifyBaseLogger } from 'fastify'
import { createAccounts, createAuthenticator, createPasswords, parseJwtIssuers } from '../accounts/index.ts'
import { leaveAlbums } from '../albums/index.ts'
import type { ChangeContext } from '../assets/index.ts'
import type { Config } from '../config/index.ts'
import { createDelivery, openSigningKeys } from '../delivery/index.ts'
import type { Fault } from '../engines/faults/faults.ts'
import type { ObjectStore } from '../engines/object-store/index.ts'
import { createMetrics } from '../engines/telemetry/metrics.ts'
import type { EventStreamLimits } from '../events/index.ts'
import { createHistoryWriter } from '../history/index.ts'
import { createAdmission } from '../http/admission.ts'
import { findAvatar } from '../renditions/index.ts'
import { createSharing } from '../sharing/index.ts'
import { createTimeline } from '../timeline/index.ts'
import { createPace, createUploads, type UploadContext } from '../uploads/index.ts'
import type { Engines } from './engines.ts'
import { edgesOf, originsOf } from './upload-edges.ts'

/** What a test may put in place of the real thing: time, and faults between the domains and the store. */
export interface Injected {
  now?: () => Date
  /** The clock of the edge, which may be another machine; that of the api when absent. */
  edgeNow?: () => Date
  eventStreams?: Partial<EventStreamLimits>
  store?: (store: ObjectStore) => ObjectStore
  /** Folder of the built site. */
  site?: string
}

export interface Foundation {
  config: Config
  log: FastifyBaseLogger
  engines: Engines
  fault: Fault
  injected: Injected
}

/** Where people reach this server; a free port is known only when it listens. */
export interface Site {
  readonly publicUrl: string
  listensAt(address: string): void
}

export type Domains = Awaited<ReturnType<typeof createDomains>>

export async function createDomains(foundation: Foundation) {
  const { config, log, engines, fault, injected } = foundation
  const { db, pool, jobs } = engines
  const store = injected.store?.(engines.store) ?? engines.store
  const now = injected.now ?? (() => new Date())
  const metrics = createMetrics({ pool, jobs })
  const historyWriter = createHistoryWriter({ db, log })
  const keys = await openSigningKeys({ config, log })
  const { ring } = keys
  const site = createSite(config)

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
  const changes: ChangeContext = { db, jobs, now, fault, trashDays: config.trashDays }
  const issuers = parseJwtIssuers(config.jwtIssuers)
  // One count of the hashes that run at once, whoever asks for them.
  const passwords = createPasswords()
  const accounts = createAccounts({
    ...config,
    db,
    jobs,
    issuers,
    passwords,
    avatarUrl: async (assetId) => {
      const key = await findAvatar(db, assetId)
      return key === null ? null : delivery.publicUrlOf(key)
    },
    withdraw: (tx, accountId) => leaveAlbums(tx, accountId, now()),
    now,
  })
  const allowedOrigins = new Set(originsOf(config))
  const authenticator = createAuthenticator({
    db,
    issuers,
    storageLimit: config.storageLimit,
    allowedOrigins,
    now,
  })
  const uploads = createUploads(uploadContext)
  const sharing = createSharing({
    db,
    jobs,
    passwords,
    allowedOrigins,
    endUploads: (tx, linkId) => uploads.endOfLink(tx, linkId),
    now,
  })
  return {
    ...foundation,
    db,
    jobs,
    store,
    now,
    metrics,
    historyWriter,
    keys,
    site,
    delivery,
    uploadContext,
    uploads,
    changes,
    timeline: createTimeline({ db, delivery }),
    accounts,
    authenticator,
    sharing,
    /** One count of the bodies that are received, whichever role takes them. */
    admission: createAdmission(config.maxStreams),
  }
}

function createSite(config: Config): Site {
  let listening: string | null = null
  return {
    get publicUrl() {
      return config.publicUrl ?? listening ?? `http://${config.host}:${config.port}`
    },
    listensAt(address) {
      listening = address
    },
  }
}
