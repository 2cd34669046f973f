/**
 * Runs the Postgres that npm brings, in a folder, for as long as somebody needs it.
 *
 * The server is its own session and outlives whoever started it: a parent that is killed leaves it running, and the next
 * one adopts it. Every process that uses it keeps one idle connection, its presence. By that a process notices when the
 * server dies, and starts it again; and the last one out can tell that it is the last.
 *
 * What could go wrong: two processes start at once (one decides at a time, by the start lock), a lock of a dead server
 * (see `postmaster.ts`), processes of a killed server that still end (waited for), a folder of another version or user.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, open, realpath } from 'node:fs/promises'
import { createServer, Socket } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { EmbeddedPostgresError, findBinaries, type PostgresBinaries } from './binaries.ts'
import {
  configure,
  databaseName,
  ensureCluster,
  type Listening,
  lastLogLines,
  type PostgresSettings,
  readPassword,
  socketFolder,
} from './cluster.ts'
import { chooseIdentity, type Identity } from './identity.ts'
import { isServing, type PostmasterLock, readLock, removeStaleLock } from './postmaster.ts'
import { withStartLock } from './start-lock.ts'

export { EmbeddedPostgresError } from './binaries.ts'

export interface EmbeddedLogger {
  info(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface EmbeddedOptions {
  /** The folder of the database alone; made when absent. */
  dataDir: string
  log: EmbeddedLogger
  /** Settings of postgresql.conf over ours. */
  settings?: PostgresSettings
}

export interface EmbeddedPostgres {
  /** Of the database `heliograph`, as its superuser. Stays the same when the server had to be started again. */
  url: string
  /** True when the server ran before: its starter died, or another process uses it too. */
  adopted: boolean
  /** Ends the server with a fast shutdown, whoever uses it, and waits until it is gone. */
  stop(): Promise<void>
  /** Stops the server unless another process uses it; answers whether it was stopped. Call it after closing your pool. */
  release(): Promise<boolean>
}

interface Cluster {
  dataDir: string
  binaries: PostgresBinaries
  identity: Identity
  settings: PostgresSettings
  log: EmbeddedLogger
}

const presenceName = 'heliograph presence'
const pollMilliseconds = 20
/** Recovery after a crash can take minutes; more than this is not one. */
const patienceMilliseconds = 600_000

/** Throws `EmbeddedPostgresError`, with a sentence for a person, when there can be no server here. */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const { log, settings = {} } = options
  const binaries = await findBinaries()
  const identity = await chooseIdentity(binaries.postgres)
  await mkdir(dirname(options.dataDir), { recursive: true })
  const dataDir = join(await realpath(dirname(options.dataDir)), basename(options.dataDir))
  const cluster: Cluster = { dataDir, binaries, identity, settings, log }

  let isWanted = true
  let presence: pg.Client | undefined
  async function run(mayCreate: boolean): Promise<{ url: string; adopted: boolean }> {
    await ensureCluster(dataDir, binaries, identity, { mayCreate })
    const { lock, adopted } = await ensureRunning(cluster)
    const url = await urlOf(dataDir, lock)
    presence = await enter(url, () => void recover())
    return { url: url(databaseName), adopted }
  }

  async function recover(): Promise<void> {
    presence = undefined
    while (isWanted && presence === undefined) {
      log.error({ dataDir }, 'the embedded database went away; starting it again')
      await withStartLock(dataDir, async () => {
        // A folder that vanished under a running program must not become an empty database.
        if (isWanted) await run(false)
      }).catch((error: unknown) => log.error({ err: error }, 'the embedded database did not start'))
      if (presence === undefined) await sleep(1_000, undefined, { ref: false })
    }
  }

  async function leave(): Promise<void> {
    isWanted = false
    const leaving = presence
    presence = undefined
    await leaving?.end()
  }

  const { url, adopted } = await withStartLock(dataDir, () => run(true))
  return {
    url,
    adopted,
    stop: () =>
      withStartLock(dataDir, async () => {
        await leave()
        await shutDown(cluster)
      }),
    release: () =>
      withStartLock(dataDir, async () => {
        const isLast = presence === undefined || (await isAlone(presence))
        await leave()
        if (isLast) await shutDown(cluster)
        return isLast
      }),
  }
}

/** Adopts the server of the folder or starts one. Under the start lock. */
async function ensureRunning(cluster: Cluster): Promise<{ lock: PostmasterLock; adopted: boolean }> {
  const { dataDir } = cluster
  const deadline = Date.now() + patienceMilliseconds
  for (;;) {
    const found = await readLock(dataDir)
    if (found !== undefined && (await isServing(found, dataDir))) {
      const lock = await untilReady(dataDir, deadline)
      if (lock !== undefined) return { lock, adopted: true }
      continue
    }
    if (found !== undefined) await removeStaleLock(dataDir, found)
    const lock = await launch(cluster, deadline)
    if (lock !== undefined) return { lock, adopted: false }
    const reason = await lastLogLines(dataDir)
    // Processes of a server that was killed still hold its memory; they end by themselves within moments.
    const isTransient = /is still in use/.test(reason)
    if (!isTransient || Date.now() > deadline) {
      throw new EmbeddedPostgresError(`The database in ${dataDir} did not start. Its log ends with:\n${reason}`)
    }
    await sleep(100)
  }
}

/** Undefined when the server ended instead. */
async function untilReady(dataDir: string, deadline: number): Promise<PostmasterLock | undefined> {
  while (Date.now() < deadline) {
    const lock = await readLock(dataDir)
    if (lock === undefined || !(await isServing(lock, dataDir))) return undefined
    if (lock.status === 'ready') return lock
    await sleep(pollMilliseconds)
  }
  throw new EmbeddedPostgresError(
    `The database in ${dataDir} is running but does not become ready; see its log folder.`,
  )
}

/** Starts a server; undefined when it ended before it was ready. */
async function launch(cluster: Cluster, deadline: number): Promise<PostmasterLock | undefined> {
  const { dataDir, binaries, identity, settings } = cluster
  await configure(dataDir, identity, await chooseListening(dataDir, identity), settings)
  const output = await open(join(dataDir, 'log', 'startup.log'), 'w', 0o600)
  const { file, args, ...ids } = identity.command(binaries.postgres, ['-D', dataDir])
  try {
    const server = spawn(file, args, {
      ...ids,
      cwd: '/',
      // A session of its own: Ctrl-C in the terminal is for us, and we stop the server when all is drained.
      detached: true,
      stdio: ['ignore', output.fd, output.fd],
      windowsHide: true,
    })
    await once(server, 'spawn')
    server.unref()
    while (Date.now() < deadline) {
      const lock = await readLock(dataDir)
      if (lock?.pid === server.pid && lock?.status === 'ready') return lock
      if (server.exitCode !== null || server.signalCode !== null) return undefined
      await sleep(pollMilliseconds)
    }
    server.kill('SIGINT')
    return undefined
  } finally {
    await output.close()
  }
}

async function chooseListening(dataDir: string, identity: Identity): Promise<Listening> {
  if (process.platform === 'win32') return { port: await freePort(), password: await readPassword(dataDir) }
  const shortName = createHash('sha256').update(dataDir).digest('hex').slice(0, 12)
  return { socketDir: await socketFolder(dataDir, identity, shortName), port: 5432 }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  if (address === null || typeof address === 'string') throw new Error('A TCP server has no port')
  return address.port
}

/** The URL of each database of a running server. */
async function urlOf(dataDir: string, { socketDir, port }: PostmasterLock): Promise<(database: string) => string> {
  if (socketDir !== '') {
    const host = encodeURIComponent(socketDir)
    return (database) => `postgresql://${databaseName}@localhost/${database}?host=${host}&port=${port}`
  }
  const password = await readPassword(dataDir)
  return (database) => `postgresql://${databaseName}:${password}@127.0.0.1:${port}/${database}`
}

/** Makes our database on the first start, and leaves a connection that tells the others we are here. */
async function enter(url: (database: string) => string, onLost: () => void): Promise<pg.Client> {
  const socket = new Socket()
  const client = new pg.Client({
    connectionString: url('postgres'),
    application_name: presenceName,
    stream: () => socket,
  })
  let isEntered = false
  // A lost connection shows as an error, or as an end, or as both; `end` is certain.
  client.on('error', () => undefined)
  client.on('end', () => {
    if (isEntered) onLost()
  })
  await client.connect()
  const { rowCount } = await client.query('select from pg_database where datname = $1', [databaseName])
  if (rowCount === 0) await client.query(`create database ${databaseName}`)
  isEntered = true
  // It shall not keep a program alive that is done.
  socket.unref()
  return client
}

async function isAlone(presence: pg.Client): Promise<boolean> {
  const { rowCount } = await presence.query(
    'select from pg_stat_activity where application_name = $1 and pid <> pg_backend_pid()',
    [presenceName],
  )
  return rowCount === 0
}

async function shutDown({ dataDir, binaries }: Cluster): Promise<void> {
  const lock = await readLock(dataDir)
  if (lock === undefined || !(await isServing(lock, dataDir))) return
  if (process.platform === 'win32') spawn(binaries.pgCtl, ['stop', '-D', dataDir, '-m', 'fast'], { windowsHide: true })
  else process.kill(lock.pid, 'SIGINT')
  const deadline = Date.now() + patienceMilliseconds
  while (await isServing(lock, dataDir)) {
    if (Date.now() > deadline) throw new EmbeddedPostgresError(`The database in ${dataDir} does not stop; see its log.`)
    await sleep(pollMilliseconds)
  }
}
