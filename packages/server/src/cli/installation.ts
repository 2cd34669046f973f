/** For commands that work on an installation beside its server: is there one? */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import type { Engines } from '../composition.ts'
import type { Config } from '../config/index.ts'
import { CommandError } from './command.ts'

/** Opening the engines would make what is not there, in whatever folder a person happens to be. `command` is the one in use. */
export function requireInstallation(config: Config, command: string): void {
  if (config.databaseUrl !== null || existsSync(join(config.dataDir, 'postgres'))) return
  throw new CommandError(
    `There is no Heliograph in ${config.dataDir}. Say where it is: DATA_DIR=… heliograph ${command}`,
  )
}

export async function requireSchema({ db }: Engines): Promise<void> {
  const { rows } = await sql<{ ready: boolean }>`
    select to_regclass('storage_quota') is not null and to_regclass('graphile_worker.jobs') is not null as ready`.execute(
    db,
  )
  if (rows[0]?.ready === true) return
  throw new CommandError(
    'This database holds no Heliograph yet. `heliograph serve` or `heliograph migrate` sets it up.',
  )
}
