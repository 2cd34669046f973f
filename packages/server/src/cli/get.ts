/** `heliograph get`: brings originals back, by id or by name. */
import { mkdir } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import {
  ApiProblem,
  type Asset,
  type Client,
  ConnectionFailed,
  createSpeedMeter,
  describeFailure,
} from '@heliograph/client'
import { safeFilename } from '../delivery/index.ts'
import { type Command, type CommandContext, CommandError, textOption, UsageError } from './command.ts'
import { download } from './get-download.ts'
import { connect, connectionOptions, sayFailures } from './login-connect.ts'
import { type Progress, showProgress } from './progress.ts'
import { safeText } from './progress-text.ts'
import { isSystemError, reasonOf } from './upload-scan.ts'

/** Bytes; file systems take 255, and `.part` has to fit behind it. */
const longestName = 240

export const getCommand: Command = {
  name: 'get',
  summary: 'Download originals by their id or name; goes on where an interrupted download ended',
  usage: 'get [options] <id or name>…',
  options: {
    ...connectionOptions,
    output: {
      type: 'string',
      short: 'o',
      meaning: 'Folder to put them in; this one when absent',
      placeholder: 'folder',
    },
    force: { type: 'boolean', short: 'f', meaning: 'Replace files that exist' },
  },
  run: get,
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

async function get(context: CommandContext): Promise<number> {
  const { args, cwd, values, stdout, stderr, signal } = context
  if (args.length === 0) throw new UsageError('Name what to download, by its id or file name.')
  const folder = resolve(cwd, textOption(context, 'output') ?? '.')
  const client = await connect(context)
  const assets = await sayFailures(client.baseUrl, () => findAssets(client, args, signal))
  await mkdir(folder, { recursive: true })

  let failed = 0
  const display = showDownloads(context, assets)
  try {
    for (const asset of assets) {
      const path = join(folder, safeFilename(asset.filename, longestName))
      const label = safeText(relative(cwd, path))
      const onProgress = display.start(asset)
      try {
        const result = await download({ client, asset, path, force: values.force === true, signal, onProgress })
        display.say(stdout, result === 'downloaded' ? `${label}\n` : `${label} is there already\n`)
      } catch (error) {
        if (signal.aborted) throw new CommandError('Interrupted. Run the same command again to go on.', 130)
        display.say(stderr, `${safeText(asset.filename)}: ${describe(error)}\n`)
        failed++
      }
    }
  } finally {
    display.end()
  }
  return failed > 0 ? 1 : 0
}

/** In the order they were named. Throws `CommandError` for a name that is missing, or that several files bear. */
async function findAssets(client: Client, wanted: string[], signal: AbortSignal): Promise<Asset[]> {
  const names = new Set(wanted.filter((one) => !uuid.test(one)))
  const byName = names.size === 0 ? new Map<string, Asset[]>() : await findByName(client, names, signal)
  const found: Asset[] = []
  for (const one of wanted) {
    if (uuid.test(one)) {
      found.push(await getById(client, one, signal))
      continue
    }
    const [asset, ...others] = byName.get(one) ?? []
    if (asset === undefined) throw new CommandError(`There is no "${safeText(one)}" in your library.`)
    if (others.length > 0) {
      const ids = [asset, ...others].map(({ id, capturedAt }) => `  ${id}  ${capturedAt.slice(0, 10)}`)
      throw new CommandError(`Several files are named "${safeText(one)}". Name one by its id:\n${ids.join('\n')}`)
    }
    found.push(asset)
  }
  return found
}

async function getById(client: Client, id: string, signal: AbortSignal): Promise<Asset> {
  try {
    return await client.assets.get(id, { signal })
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 404)
      throw new CommandError(`There is no ${id} in your library.`)
    throw error
  }
}

/** Looks through the library, which the server does not search by name. */
async function findByName(client: Client, names: Set<string>, signal: AbortSignal): Promise<Map<string, Asset[]>> {
  const found = new Map<string, Asset[]>()
  let cursor: string | null = null
  do {
    const page: { items: Asset[]; nextCursor: string | null } = await client.assets.list(
      { limit: 500, cursor },
      { signal },
    )
    for (const asset of page.items) {
      if (names.has(asset.filename)) found.set(asset.filename, [...(found.get(asset.filename) ?? []), asset])
    }
    cursor = page.nextCursor
  } while (cursor !== null)
  return found
}

function describe(error: unknown): string {
  if (error instanceof CommandError) return error.message
  if (isSystemError(error))
    return error.code === 'ENOSPC' ? 'There is no room left on this disk.' : `It ${reasonOf(error)}.`
  if (!(error instanceof ApiProblem || error instanceof ConnectionFailed)) throw error
  const { message, advice } = describeFailure(error)
  return `${message} ${advice}`
}

/** A bar on the terminal; elsewhere the names of what is done are enough. */
function showDownloads({ stderr, env }: CommandContext, assets: Asset[]) {
  const speed = createSpeedMeter(() => performance.now())
  const bytes = assets.reduce((sum, { size }) => sum + size, 0)
  let current: { asset: Asset; bytes: number } | null = null
  let filesDone = -1
  let bytesDone = 0

  function read(): Progress {
    const moving = current?.bytes ?? 0
    speed.update(bytesDone + moving)
    const inFlight =
      current === null
        ? []
        : [
            {
              name: current.asset.filename,
              size: current.asset.size,
              activity: 'loading',
              fraction: current.asset.size === 0 ? 1 : moving / current.asset.size,
            },
          ]
    return {
      files: assets.length,
      filesDone: Math.max(0, filesDone),
      bytes,
      bytesDone: bytesDone + moving,
      bytesPerSecond: speed.bytesPerSecond,
      inFlight,
    }
  }

  const open = () => (stderr.isTTY === true ? showProgress({ output: stderr, env, read }) : null)
  let display = open()
  return {
    start(asset: Asset) {
      bytesDone += current?.asset.size ?? 0
      filesDone++
      const state = { asset, bytes: 0 }
      current = state
      return (received: number) => {
        state.bytes = received
      }
    },
    /** A line that stays, above the moving ones. */
    say(output: CommandContext['stdout'], line: string) {
      display?.end()
      output.write(line)
      display = open()
    },
    end: () => display?.end(),
  }
}
