/**
 * The folder of the embedded database: made once by `initdb`, configured at each start, its logs kept small.
 * It is made beside its place and moved there when complete, so a folder that exists is always a whole one.
 */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, lstat, mkdir, open, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { EmbeddedPostgresError, type PostgresBinaries } from './binaries.ts'
import type { Identity } from './identity.ts'

/** The superuser, and the name of the database. */
export const databaseName = 'heliograph'

/** Where the server listens: a socket in a folder that only its user may enter, or on Windows loopback and a password. */
export type Listening = { socketDir: string; port: number } | { port: number; password: string }

export type PostgresSettings = Record<string, string>

const run = promisify(execFile)
const passwordFile = 'heliograph.password'
const keptLogs = 10

/**
 * Checks the folder, and creates it when it is absent and that is allowed. Throws `EmbeddedPostgresError` when it holds
 * something else, or the data of another version or user.
 */
export async function ensureCluster(
  dataDir: string,
  binaries: PostgresBinaries,
  identity: Identity,
  { mayCreate }: { mayCreate: boolean },
): Promise<void> {
  const version = await readVersion(dataDir)
  if (version === undefined) {
    if (mayCreate) return create(dataDir, binaries, identity)
    throw new EmbeddedPostgresError(`The database folder ${dataDir} is gone. Put it back, or restart to begin anew.`)
  }
  const { stdout } = await run(binaries.postgres, ['--version'])
  const ours = /(\d+)\.\d+/.exec(stdout)?.[1]
  if (version !== ours) {
    throw new EmbeddedPostgresError(
      `The database in ${dataDir} was made by Postgres ${version}, and this Heliograph brings Postgres ${ours}. Run the Heliograph that made it, or move the data to a Postgres of your own and set DATABASE_URL.`,
    )
  }
  await refuseForeign(dataDir)
  await identity.own(dataDir)
}

async function readVersion(dataDir: string): Promise<string | undefined> {
  let entries: string[]
  try {
    entries = await readdir(dataDir)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  if (entries.includes('PG_VERSION')) return (await readFile(join(dataDir, 'PG_VERSION'), 'utf8')).trim()
  if (entries.length > 0) {
    throw new EmbeddedPostgresError(
      `${dataDir} is where the database belongs, but it holds something else. Move that away, or set DATA_DIR to another folder.`,
    )
  }
  return undefined
}

async function refuseForeign(dataDir: string): Promise<void> {
  const user = process.getuid?.()
  const { uid } = await lstat(dataDir)
  if (user === undefined || user === 0 || uid === user) return
  throw new EmbeddedPostgresError(
    `The database in ${dataDir} belongs to another user (id ${uid}). Start Heliograph as that user, or give the folder to yours with chown -R.`,
  )
}

async function create(dataDir: string, binaries: PostgresBinaries, identity: Identity): Promise<void> {
  const fresh = `${dataDir}.new`
  // What an initdb that was cut short has left.
  await rm(fresh, { recursive: true, force: true })
  await mkdir(fresh, { mode: 0o700 })
  const password = join(dirname(dataDir), `${databaseName}-${randomBytes(6).toString('hex')}.password`)
  const hasPassword = process.platform === 'win32'
  if (hasPassword) await writeFile(password, randomBytes(24).toString('base64url'), { mode: 0o600 })
  try {
    await identity.own(fresh)
    const { file, args, ...ids } = identity.command(binaries.initdb, [
      `--pgdata=${fresh}`,
      `--username=${databaseName}`,
      '--encoding=UTF8',
      // The built-in provider sorts by code point everywhere, whatever locales the machine has.
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--data-checksums',
      '--no-instructions',
      '--auth-local=trust',
      ...(hasPassword ? ['--auth-host=scram-sha-256', `--pwfile=${password}`] : ['--auth-host=reject']),
    ])
    await run(file, args, { ...ids, cwd: '/' }).catch((cause: Error & { stderr?: string }) => {
      throw new EmbeddedPostgresError(`The database could not be created in ${dataDir}: ${cause.stderr || cause}`, {
        cause,
      })
    })
    await writeFile(join(fresh, 'postgresql.conf'), "\ninclude 'heliograph.conf'\n", { flag: 'a' })
    if (hasPassword) await rename(password, join(fresh, passwordFile))
    await rmdir(dataDir).catch(ignoreMissing)
    await rename(fresh, dataDir)
    await syncFolder(dirname(dataDir))
  } finally {
    await rm(password, { force: true })
  }
}

/** Writes the settings of this start. `ALTER SYSTEM` overrides all but the addresses and `extra`. */
export async function configure(
  dataDir: string,
  identity: Identity,
  listening: Listening,
  extra: PostgresSettings,
): Promise<void> {
  const settings: PostgresSettings = {
    port: String(listening.port),
    ...('socketDir' in listening
      ? {
          listen_addresses: '',
          // A list: each entry in double quotes, which double inside.
          unix_socket_directories: `"${listening.socketDir.replaceAll('"', '""')}"`,
          unix_socket_permissions: '0700',
        }
      : { listen_addresses: '127.0.0.1', unix_socket_directories: '' }),
    shared_buffers: '128MB',
    max_connections: '200',
    // Change data capture reads the log from a slot; to switch this later would need a restart.
    wal_level: 'logical',
    timezone: 'UTC',
    log_timezone: 'UTC',
    logging_collector: 'on',
    log_directory: 'log',
    log_filename: 'postgresql-%Y%m%dT%H%M%S.log',
    log_rotation_size: '10MB',
    log_rotation_age: '7d',
    ...extra,
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`)
  const path = join(dataDir, 'heliograph.conf')
  await writeFile(
    path,
    `# Written at each start; what you change here is lost. Use ALTER SYSTEM.\n${lines.join('\n')}\n`,
  )
  // Readable under whatever umask, as the server may be another user; the folder is closed to others.
  await chmod(path, 0o644)
  await pruneLogs(dataDir)
  await identity.own(join(dataDir, 'log'))
}

export async function readPassword(dataDir: string): Promise<string> {
  return (await readFile(join(dataDir, passwordFile), 'utf8')).trim()
}

/**
 * The folder of the socket: the database's own (0700), or a short one of this user's when the path would not fit into
 * a socket address (104 bytes on macOS, 108 on Linux, with the closing NUL).
 */
export async function socketFolder(dataDir: string, identity: Identity, shortName: string): Promise<string> {
  if (Buffer.byteLength(join(dataDir, '.s.PGSQL.5432')) < 104) return dataDir
  const folder = join(tmpdir(), `heliograph-${userInfo().uid}-${shortName}`)
  await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  await identity.own(folder)
  const found = await lstat(folder)
  const isOurs = process.getuid?.() === 0 || found.uid === process.getuid?.()
  if (!found.isDirectory() || !isOurs || (found.mode & 0o077) !== 0) {
    throw new EmbeddedPostgresError(
      `${folder} belongs to somebody else or is open to others, and ${dataDir} is too long for a socket. Use a shorter DATA_DIR.`,
    )
  }
  return folder
}

/** The last lines the server wrote, for a message about why it did not start. */
export async function lastLogLines(dataDir: string): Promise<string> {
  const folder = join(dataDir, 'log')
  const early = await readFile(join(folder, 'startup.log'), 'utf8')
  const newest = (await logs(dataDir)).at(-1)
  // Before its log collector runs, the server writes to what we opened for it; that says when it goes over.
  const isCollected = newest !== undefined && early.includes('redirecting log output')
  const text = isCollected ? await readFile(join(folder, newest), 'utf8') : early
  return text.trim().split('\n').slice(-8).join('\n')
}

async function pruneLogs(dataDir: string): Promise<void> {
  await mkdir(join(dataDir, 'log'), { recursive: true, mode: 0o700 })
  const old = (await logs(dataDir)).slice(0, -keptLogs)
  await Promise.all(old.map((file) => rm(join(dataDir, 'log', file), { force: true })))
}

async function logs(dataDir: string): Promise<string[]> {
  const entries = await readdir(join(dataDir, 'log'))
  return entries.filter((name) => name.startsWith('postgresql-')).sort()
}

async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder)
  await handle.sync()
  await handle.close()
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}
