/**
 * Forward-only migrations. Each must be safe while the code before it still runs: add, backfill, and only in a later
 * release drop. They run under Kysely's lock, so several processes may start at once.
 */
import { type Migration, Migrator } from 'kysely/migration'
import type { Db } from './database.ts'
import * as uploadCore from './migrations/0001-upload-core.ts'
import * as renditions from './migrations/0002-renditions.ts'
import * as events from './migrations/0003-events.ts'
import * as albums from './migrations/0004-albums.ts'
import * as timeline from './migrations/0005-timeline.ts'
import * as albumOrder from './migrations/0006-album-order.ts'

const migrations: Record<string, Migration> = {
  '0001-upload-core': uploadCore,
  '0002-renditions': renditions,
  '0003-events': events,
  '0004-albums': albums,
  '0005-timeline': timeline,
  '0006-album-order': albumOrder,
}

/** Brings the schema up to date; returns the names of what was applied. */
export async function migrate(db: Db): Promise<string[]> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } })
  const { error, results } = await migrator.migrateToLatest()
  if (error !== undefined) throw new Error('The database could not be migrated', { cause: error })
  return (results ?? []).map((result) => result.migrationName)
}
