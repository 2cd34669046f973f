/** Every command, in the order a person meets them. */
import type { Command } from './command.ts'
import { configCommand } from './config.ts'
import { doctorCommand } from './doctor.ts'
import { getCommand } from './get.ts'
import { listCommand } from './list.ts'
import { loginCommand, logoutCommand } from './login.ts'
import { migrateCommand } from './migrate.ts'
import { openapiCommand } from './openapi.ts'
import { serveCommand } from './serve.ts'
import { uploadCommand } from './upload.ts'

export const commands: Command[] = [
  serveCommand,
  uploadCommand,
  listCommand,
  getCommand,
  loginCommand,
  logoutCommand,
  doctorCommand,
  configCommand,
  migrateCommand,
  openapiCommand,
]
