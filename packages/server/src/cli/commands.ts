/**
 * Every command, in the order a person meets them. Each is loaded when it is called: `list` should not wait for the
 * server's parts.
 */
import type { Command } from './command.ts'

export const commands: Record<string, () => Promise<Command>> = {
  serve: async () => (await import('./serve.ts')).serveCommand,
  demo: async () => (await import('./demo.ts')).demoCommand,
  upload: async () => (await import('./upload.ts')).uploadCommand,
  list: async () => (await import('./list.ts')).listCommand,
  get: async () => (await import('./get.ts')).getCommand,
  login: async () => (await import('./login.ts')).loginCommand,
  logout: async () => (await import('./login.ts')).logoutCommand,
  renditions: async () => (await import('./renditions.ts')).renditionsCommand,
  doctor: async () => (await import('./doctor.ts')).doctorCommand,
  config: async () => (await import('./config.ts')).configCommand,
  keys: async () => (await import('./keys.ts')).keysCommand,
  migrate: async () => (await import('./migrate.ts')).migrateCommand,
  openapi: async () => (await import('./openapi.ts')).openapiCommand,
}
