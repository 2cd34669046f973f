/** `heliograph serve`: runs the roles until it is told to stop, then drains. */
import { mkdir } from 'node:fs/promises'
import { startServer } from '../composition.ts'
import { type Config, loadConfig } from '../config/index.ts'
import type { Command, CommandContext } from './command.ts'
import { createLogger } from './logger.ts'

export const serveCommand: Command = {
  name: 'serve',
  summary: 'Run the server: api, edge and worker with the engines the settings name',
  usage: 'serve [--port <port>] [--host <address>] [--data-dir <folder>]',
  options: {
    port: { type: 'string', meaning: 'Like PORT', placeholder: 'port' },
    host: { type: 'string', meaning: 'Like HOST', placeholder: 'address' },
    'data-dir': { type: 'string', meaning: 'Like DATA_DIR', placeholder: 'folder' },
    roles: { type: 'string', meaning: 'Like ROLES: api, edge, worker', placeholder: 'list' },
  },
  run: serve,
}

async function serve({ values, env, stdout, stderr, signal }: CommandContext): Promise<number> {
  const config = loadConfig({
    ...env,
    PORT: text(values.port) ?? env.PORT,
    HOST: text(values.host) ?? env.HOST,
    DATA_DIR: text(values['data-dir']) ?? env.DATA_DIR,
    ROLES: text(values.roles) ?? env.ROLES,
  })
  const log = createLogger(config)
  await mkdir(config.dataDir, { recursive: true })
  const server = await startServer(config, log).catch((error: unknown) => {
    if (isAddressInUse(error)) return null
    throw error
  })
  if (server === null) {
    stderr.write(
      `Port ${config.port} of ${config.host} is taken. Stop what uses it, or choose another: PORT=8081 npm start\n`,
    )
    return 1
  }

  stdout.write(await greeting(config, server.url, await server.hasAccounts()))
  await new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    else signal.addEventListener('abort', resolve, { once: true })
  })
  stdout.write('Stopping: finishing what runs. Press Ctrl-C again to stop at once.\n')
  const deadline = setTimeout(
    () => {
      stderr.write(
        `Not everything ended within ${config.drainTimeout} seconds; stopping. Unfinished work is taken up at the next start.\n`,
      )
      process.exit(1)
    },
    (config.drainDelay + config.drainTimeout) * 1000,
  )
  await server.close()
  clearTimeout(deadline)
  stdout.write('Stopped.\n')
  return 0
}

async function greeting(config: Config, url: string, hasAccounts: boolean): Promise<string> {
  const lines = [`Heliograph runs at ${url}`, `  files and database in ${config.dataDir}`, '']
  if (!hasAccounts) {
    lines.push(
      'There is no account yet. Open that address and make yours, or put your first photos in from another terminal,',
      'which also makes it. To look around in a library of made-up photos first: npm run demo',
      '',
      '  npx heliograph upload ~/Pictures',
      '',
    )
  } else {
    lines.push(
      '  npx heliograph upload <folder>   put photos and videos in',
      '  npx heliograph list              see what is there',
    )
  }
  lines.push(`  ${url}/docs   the API`, '  npx heliograph config   every setting', '  Ctrl-C   stops', '')
  return lines.join('\n')
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function isAddressInUse(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
}
