/** Every command, in the order a person meets them. */
import type { Command } from './command.ts'
import { configCommand } from './config.ts'
import { migrateCommand } from './migrate.ts'
import { openapiCommand } from './openapi.ts'
import { serveCommand } from './serve.ts'

export const commands: Command[] = [serveCommand, configCommand, migrateCommand, openapiCommand]
