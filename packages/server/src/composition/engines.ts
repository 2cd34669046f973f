/** Opens the engines that the settings name: database, object store and jobs. Nothing here listens. */
import { join } from 'node:path'
import type { FastifyBaseLogger } from 'fastify'
import type { Config } from '../config/index.ts'
import { purgeOnDelete } from '../edge/index.ts'
import { type OpenDatabase, openDatabase } from '../engines/database/database.ts'
import { startEmbeddedPostgres } from '../engines/database/embedded/embedded-postgres.ts'
import { migrate } from '../engines/database/migrate.ts'
import type { Fault } from '../engines/faults/faults.ts'
import { createJobs, migrateJobs } from '../engines/jobs/jobs.ts'
import { openObjectStore } from '../engines/object-store/index.ts'
import { cacheFolder, hasEdgeCache } from './edge-cache.ts'

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
  const embedded =
    config.databaseUrl === null ? await startEmbeddedPostgres({ dataDir: join(config.dataDir, 'postgres'), log }) : null
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

export async function migrateAll({ db, pool }: Pick<OpenDatabase, 'db' | 'pool'>): Promise<string[]> {
  const applied = await migrate(db)
  await migrateJobs(pool)
  return applied
}
