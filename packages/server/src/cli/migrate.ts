import { migrateAll, openEngines } from '../composition.ts'
import { loadConfig } from '../config/index.ts'
import type { Command } from './command.ts'
import { createLogger } from './logger.ts'

export const migrateCommand: Command = {
  name: 'migrate',
  summary: 'Bring the database up to date; `serve` does it by itself',
  usage: 'migrate',
  options: {},
  async run({ env, stdout }) {
    const config = loadConfig(env)
    const engines = await openEngines(config, createLogger(config), { migrate: false })
    try {
      const applied = await migrateAll(engines)
      stdout.write(applied.length === 0 ? 'The database is up to date.\n' : `Applied ${applied.join(', ')}.\n`)
      return 0
    } finally {
      await engines.close()
    }
  },
}
