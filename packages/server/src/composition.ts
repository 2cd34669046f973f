/**
 * The one place that knows every part: opens the engines that the settings name, builds the domains on them and plugs
 * their routes and tasks into the roles this process has. No part below knows another one's construction. Each step is a
 * file of `composition/`; here they become one process that starts, listens and drains.
 */
import type { Server } from 'node:http'
import type { FastifyBaseLogger, FastifyPluginAsync } from 'fastify'
import { sql } from 'kysely'
import { apiRoutes } from './composition/api.ts'
import { createDomains, type Foundation, type Injected } from './composition/domains.ts'
import { edgeRole } from './composition/edge.ts'
import { type Engines, openEngines } from './composition/engines.ts'
import { siteRole } from './composition/site.ts'
import { originsOf } from './composition/upload-edges.ts'
import { version } from './composition/version.ts'
import { workerRole } from './composition/worker.ts'
import type { Config, Role } from './config/index.ts'
import { createFaults } from './engines/faults/faults.ts'
import { createApp } from './http/app.ts'
import { healthRoutes } from './http/health.ts'
import { createOperationsServer } from './http/operations.ts'
import type { DeclaredRoute } from './http/policy.ts'

export type { Injected } from './composition/domains.ts'
export { type Engines, migrateAll, openEngines } from './composition/engines.ts'
export { originsOf } from './composition/upload-edges.ts'
export { version } from './composition/version.ts'

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

export async function startServer(
  config: Config,
  log: FastifyBaseLogger,
  injected: Injected = {},
): Promise<HeliographServer> {
  const fault = createFaults(config.faultPoint)
  const engines = await openEngines(config, log, { migrate: true, fault })
  try {
    return await startRoles({ config, log, engines, fault, injected })
  } catch (error) {
    await engines.close()
    throw error
  }
}

async function startRoles(foundation: Foundation): Promise<HeliographServer> {
  const { config, log, engines } = foundation
  const domains = await createDomains(foundation)
  const { db, store, metrics, historyWriter, keys, site, accounts, authenticator, sharing } = domains
  const has = (role: Role) => config.roles.includes(role)

  let draining = false
  const routes: FastifyPluginAsync[] = [
    healthRoutes({
      isDraining: () => draining,
      checks: {
        database: async () => void (await sql`select 1`.execute(db)),
        store: () => store.ping(),
      },
    }),
    ...(has('api') ? apiRoutes(domains) : []),
    ...(has('edge') ? edgeRole(domains) : []),
    ...(has('api') ? await siteRole(domains) : []),
  ]
  const { app, declaredRoutes } = await createApp({
    db,
    log,
    metrics,
    version,
    trustedProxies: config.trustedProxies,
    origins: originsOf(config),
    authenticate: authenticator.authenticate,
    admit: sharing.admit,
    routes,
  })
  const operations = createOperationsServer(metrics, (error) =>
    log.error({ err: error }, 'metrics could not be gathered'),
  )

  // Half-written files of a process that was killed; those of living ones are left alone.
  await store.sweep()
  const address = has('api') || has('edge') ? await app.listen({ port: config.port, host: config.host }) : null
  if (address !== null) site.listensAt(address)
  const opsAddress = await listen(operations, config.opsPort, config.opsHost)
  const worker = has('worker') ? await workerRole(domains) : null

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
    address,
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

function listen(server: Server, port: number, host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? `http://${host}:${address.port}` : '')
    })
  })
}
