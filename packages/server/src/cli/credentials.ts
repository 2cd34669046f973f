/**
 * Tokens of servers that a person signed in to, in `$XDG_CONFIG_HOME/heliograph/credentials.json`, readable by that person
 * only. HELIOGRAPH_SERVER and HELIOGRAPH_TOKEN come before what is kept here.
 */
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { type CommandContext, CommandError, textOption, UsageError } from './command.ts'

export const defaultServer = 'http://127.0.0.1:8080'

export interface Credential {
  token: string
  email: string
}

interface CredentialFile {
  /** The server that was signed in to last; used when none is named. */
  current: string | null
  servers: Record<string, Credential>
}

type Environment = CommandContext['env']

/** A file in the folder for settings of this program. */
export function configPath(env: Environment, name: string): string {
  const base = env.XDG_CONFIG_HOME || env.APPDATA || join(env.HOME || homedir(), '.config')
  return join(base, 'heliograph', name)
}

const credentialsPath = (env: Environment) => configPath(env, 'credentials.json')

/** `photos.example.org/` → `https://photos.example.org`; throws `CommandError` for what is no address of a server. */
export function normalizeServer(text: string): string {
  const isLocal = /^(localhost|127\.|\[::1\])/.test(text)
  const address = /^[a-z]+:\/\//i.test(text) ? text : `${isLocal ? 'http' : 'https'}://${text}`
  const url = URL.canParse(address) ? new URL(address) : null
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new UsageError(`"${text}" is no address of a server. It should look like https://photos.example.org`)
  }
  return url.origin + url.pathname.replace(/\/+$/, '')
}

/** The server to talk to: `--server`, HELIOGRAPH_SERVER, the last one signed in to, or this machine. */
export async function chooseServer(context: CommandContext): Promise<string> {
  const named = textOption(context, 'server') || context.env.HELIOGRAPH_SERVER
  if (named) return normalizeServer(named)
  return (await read(context.env)).current ?? defaultServer
}

/** What was kept for `server`, or null. */
export async function findCredential(env: Environment, server: string): Promise<Credential | null> {
  const { servers } = await read(env)
  return Object.hasOwn(servers, server) ? (servers[server] ?? null) : null
}

export async function saveCredential(env: Environment, server: string, credential: Credential): Promise<void> {
  const { servers } = await read(env)
  await write(env, { current: server, servers: { ...servers, [server]: credential } })
}

export async function removeCredential(env: Environment, server: string): Promise<void> {
  const { current, servers } = await read(env)
  const { [server]: _, ...others } = servers
  await write(env, { current: current === server ? null : current, servers: others })
}

async function read(env: Environment): Promise<CredentialFile> {
  const path = credentialsPath(env)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { current: null, servers: {} }
    throw new CommandError(`The credentials in ${path} cannot be read: ${String(error)}`)
  }
  try {
    return parseFile(JSON.parse(text))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new CommandError(`${path} is damaged. Remove it and sign in again with \`heliograph login\`.`)
  }
}

function parseFile(value: unknown): CredentialFile {
  const { current, servers } = Object(value)
  const kept = Object.entries(Object(servers)).filter((entry): entry is [string, Credential] => {
    const { token, email } = Object(entry[1])
    return typeof token === 'string' && typeof email === 'string'
  })
  return { current: typeof current === 'string' ? current : null, servers: Object.fromEntries(kept) }
}

async function write(env: Environment, file: CredentialFile): Promise<void> {
  const path = credentialsPath(env)
  const fresh = `${path}.${process.pid}`
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await writeFile(fresh, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 })
    // The mode above counts for new files only, and is subject to the umask.
    await chmod(fresh, 0o600)
    await rename(fresh, path)
  } catch (error) {
    throw new CommandError(`The credentials cannot be kept in ${path}: ${String(error)}`)
  }
}
