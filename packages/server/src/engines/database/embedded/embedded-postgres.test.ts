import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmod,
  chown,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { findBinaries, replaySymlinks } from './binaries.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres.ts'
import { readLock } from './postmaster.ts'

const silent = { info: () => undefined, error: () => undefined }
const modulePath = new URL('./embedded-postgres.ts', import.meta.url).href
const isRoot = process.getuid?.() === 0

/** initdb is the slow part; each test takes a copy of one folder that was made once. */
let pristine: string
/** The servers of this process by the folder of their test, to be stopped before it goes. */
const started = new Map<string, EmbeddedPostgres[]>()

before(async () => {
  const root = await mkdtemp(join(tmpdir(), 'hg-pristine-'))
  pristine = join(root, 'postgres')
  const server = await startEmbeddedPostgres({ dataDir: pristine, log: silent })
  await server.stop()
})

after(() => rm(dirname(pristine), { recursive: true, force: true }))

describe('the embedded Postgres', () => {
  it('keeps rows over a restart, under the same address', async (t) => {
    const dataDir = await copyOfPristine(t)
    const first = await start(dataDir)
    assert.equal(first.adopted, false)
    await query(first.url, 'create table photo (name text)')
    await query(first.url, "insert into photo values ('sunset')")
    await first.stop()
    await assert.rejects(query(first.url, 'select 1'), { code: 'ENOENT' })

    const second = await start(dataDir)
    assert.equal(second.adopted, false)
    assert.equal(second.url, first.url)
    assert.deepEqual(await query(second.url, 'select name from photo'), [{ name: 'sunset' }])
  })

  it('is durable, ordered the same on every machine, and closed to other users and the network', async (t) => {
    const { url } = await start(await copyOfPristine(t))
    const settings = await query(
      url,
      `select name, setting from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit',
        'data_checksums', 'listen_addresses', 'unix_socket_permissions', 'wal_level', 'server_encoding') order by name`,
    )
    assert.deepEqual(Object.fromEntries(settings.map(({ name, setting }) => [name, setting])), {
      data_checksums: 'on',
      fsync: 'on',
      full_page_writes: 'on',
      listen_addresses: '',
      server_encoding: 'UTF8',
      synchronous_commit: 'on',
      unix_socket_permissions: '0700',
      wal_level: 'logical',
    })
    assert.deepEqual(await query(url, "select 'Z' < 'a' as bytes, upper('é') as upper"), [{ bytes: true, upper: 'É' }])
  })

  it('outlives a killed parent, and the next start adopts it', async (t) => {
    const dataDir = await copyOfPristine(t)
    const parent = await startInProcess(t, dataDir)
    await query(parent.url, 'create table photo (name text)')
    const pid = (await readLock(dataDir))?.pid
    parent.process.kill('SIGKILL')
    await once(parent.process, 'exit')

    const adopted = await start(dataDir)
    assert.equal(adopted.adopted, true)
    assert.equal((await readLock(dataDir))?.pid, pid)
    assert.deepEqual(await query(adopted.url, 'select name from photo'), [])
    await adopted.stop()
    await assert.rejects(query(adopted.url, 'select 1'), { code: 'ENOENT' })
  })

  it('comes back by itself when it was killed, without losing an acknowledged row', async (t) => {
    const dataDir = await copyOfPristine(t)
    const server = await start(dataDir)
    await query(server.url, 'create table photo (id integer primary key)')
    const acknowledged: number[] = []
    const writers = Array.from({ length: 8 }, (_, writer) => writeUntilBroken(server.url, writer, acknowledged))
    while (acknowledged.length < 200) await sleep(5)
    kill(await readLock(dataDir), 'SIGKILL')
    await Promise.all(writers)

    const rows = await eventually(() => query(server.url, 'select id from photo'))
    const kept = new Set(rows.map(({ id }) => id))
    assert.deepEqual(
      acknowledged.filter((id) => !kept.has(id)),
      [],
    )
  })

  it('starts over the lock of a zombie', async (t) => {
    const dataDir = await copyOfPristine(t)
    await leaveLock(dataDir, await zombie(t))
    const server = await start(dataDir)
    assert.equal(server.adopted, false)
    await query(server.url, 'select 1')
  })

  it('starts over a lock whose process id another program has now', async (t) => {
    const dataDir = await copyOfPristine(t)
    const stranger = spawn('sleep', ['300'])
    t.after(() => stranger.kill())
    await leaveLock(dataDir, stranger.pid)
    const server = await start(dataDir)
    assert.equal(server.adopted, false)
    assert.equal(stranger.exitCode, null)
  })

  it('does not put an empty database where a folder vanished under it, but waits for the folder', async (t) => {
    const dataDir = await copyOfPristine(t)
    const server = await start(dataDir)
    await query(server.url, 'create table photo (name text)')
    const lock = await readLock(dataDir)
    await rename(dataDir, `${dataDir}.away`)
    kill(lock, 'SIGKILL')
    await sleep(500)
    await assert.rejects(stat(dataDir), { code: 'ENOENT' })
    await rename(`${dataDir}.away`, dataDir)
    assert.deepEqual(await eventually(() => query(server.url, 'select name from photo')), [])
  })

  it('is shared by processes that start at once, and stops when the last one leaves', async (t) => {
    const dataDir = await copyOfPristine(t)
    const servers = await Promise.all([start(dataDir), start(dataDir), startInProcess(t, dataDir)])
    assert.equal(servers.filter(({ adopted }) => adopted).length, 2)
    assert.equal(new Set(servers.map(({ url }) => url)).size, 1)

    const [first, second, other] = servers
    assert.equal(await first.release(), false)
    assert.equal(await second.release(), false)
    assert.equal((await query(first.url, 'select 1 as one')).length, 1)
    other.process.stdin?.end()
    await once(other.process, 'exit')
    await assert.rejects(query(first.url, 'select 1'), { code: 'ENOENT' })
  })

  it('finds a short place for its socket when the folder has a long name', async (t) => {
    const dataDir = await copyOfPristine(t, 'long'.repeat(30))
    const server = await start(dataDir)
    await query(server.url, 'select 1')
    const socketDir = new URL(server.url).searchParams.get('host') ?? ''
    t.after(() => rm(socketDir, { recursive: true, force: true }))
    assert.equal((await stat(socketDir)).mode & 0o777, 0o700)
  })

  it('keeps its newest log files only', async (t) => {
    const dataDir = await copyOfPristine(t)
    for (let day = 10; day < 30; day++) await writeFile(join(dataDir, 'log', `postgresql-202001${day}T000000.log`), '')
    await start(dataDir)
    const logs = (await readdir(join(dataDir, 'log'))).filter((name) => name.startsWith('postgresql-'))
    assert.ok(logs.length <= 11, `${logs.length} log files`)
  })

  it('refuses a folder of another version, and one that holds something else', async (t) => {
    const dataDir = await copyOfPristine(t)
    await writeFile(join(dataDir, 'PG_VERSION'), '15\n')
    await assert.rejects(startEmbeddedPostgres({ dataDir, log: silent }), /made by Postgres 15.*DATABASE_URL/)
    const photos = dirname(dataDir)
    await assert.rejects(startEmbeddedPostgres({ dataDir: photos, log: silent }), /holds something else.*DATA_DIR/)
  })

  it('says why it does not start', async (t) => {
    const dataDir = await copyOfPristine(t)
    const settings = { shared_buffers: 'plenty' }
    await assert.rejects(startEmbeddedPostgres({ dataDir, log: silent, settings }), /did not start.*shared_buffers/s)
  })

  it('names DATABASE_URL where npm has no Postgres', async () => {
    await assert.rejects(findBinaries('plan9'), /no embedded Postgres for plan9-\w+. Set DATABASE_URL/)
  })

  it('links its libraries itself, by several processes at once and again', async (t) => {
    const packageRoot = await temporaryFolder(t)
    const require = createRequire(import.meta.resolve('embedded-postgres'))
    const installed = dirname(dirname(require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)))
    const list = join('native', 'pg-symlinks.json')
    await mkdir(join(packageRoot, 'native', 'lib'), { recursive: true })
    await cp(join(installed, list), join(packageRoot, list))
    await Promise.all([replaySymlinks(packageRoot), replaySymlinks(packageRoot), replaySymlinks(packageRoot)])
    await replaySymlinks(packageRoot)
    const [link] = JSON.parse(await readFile(join(packageRoot, list), 'utf8'))
    assert.equal(await readlink(join(packageRoot, link.target)), link.source.split('/').at(-1))
  })

  // Postgres refuses root. Every other test here shows the user namespace when it runs as root.
  if (isRoot && process.platform === 'linux') {
    it('runs as nobody where root has no user namespaces', async (t) => {
      const dataDir = await copyOfPristine(t)
      await chmod(dirname(dataDir), 0o755)
      // Without `unshare` in the path, as in a small container.
      const server = await startInProcess(t, dataDir, { env: { PATH: await temporaryFolder(t) } })
      await query(server.url, 'create table photo (name text)')
      assert.equal((await stat(join(dataDir, 'postmaster.pid'))).uid, 65_534)
      server.process.stdin?.end()
      await once(server.process, 'exit')

      // And the namespace takes the folder back.
      const again = await start(dataDir)
      assert.deepEqual(await query(again.url, 'select name from photo'), [])
      assert.equal((await stat(join(dataDir, 'postmaster.pid'))).uid, 0)
    })

    it('runs as an ordinary user, and refuses the folder of another', async (t) => {
      const folder = await temporaryFolder(t)
      await chown(folder, 65_534, 65_534)
      const dataDir = join(folder, 'postgres')
      const server = await startInProcess(t, dataDir, { uid: 65_534, gid: 65_534 })
      await query(server.url, 'select 1')
      server.process.stdin?.end()
      await once(server.process, 'exit')
      await chown(dataDir, 12_345, 12_345)
      await chmod(dataDir, 0o755)
      await assert.rejects(startInProcess(t, dataDir, { uid: 65_534, gid: 65_534 }), /belongs to another user/)
    })
  }
})

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hg-'))
  t.after(async () => {
    for (const server of started.get(folder) ?? []) await server.stop()
    // A test that failed may leave a server without a parent.
    for (const name of await readdir(folder)) {
      const lock = await readLock(join(folder, name)).catch(() => undefined)
      if (lock !== undefined) process.kill(lock.pid, 'SIGQUIT')
    }
    await rm(folder, { recursive: true, force: true })
  })
  return folder
}

async function copyOfPristine(t: TestContext, name = 'postgres'): Promise<string> {
  const dataDir = join(await temporaryFolder(t), name)
  await cp(pristine, dataDir, { recursive: true })
  return dataDir
}

async function start(dataDir: string): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir, log: silent })
  started.set(dirname(dataDir), [...(started.get(dirname(dataDir)) ?? []), server])
  return server
}

interface Started {
  url: string
  adopted: boolean
  process: ChildProcess
}

/** Starts the server in a process of its own, which releases it when its input ends. */
async function startInProcess(
  t: TestContext,
  dataDir: string,
  options: { env?: Record<string, string>; uid?: number; gid?: number } = {},
): Promise<Started> {
  const code = `
    import { startEmbeddedPostgres } from ${JSON.stringify(modulePath)}
    const log = { info() {}, error() {} }
    try {
      const server = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)}, log })
      console.log(JSON.stringify({ url: server.url, adopted: server.adopted }))
      process.stdin.resume().on('end', () => server.release())
    } catch (error) {
      console.log(JSON.stringify({ error: error.message }))
    }`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    ...options,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  const [line] = await once(createInterface(child.stdout), 'line')
  const answer = JSON.parse(String(line))
  if (answer.error !== undefined) throw new Error(answer.error)
  return { ...answer, process: child }
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

async function writeUntilBroken(url: string, writer: number, acknowledged: number[]): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  for (let n = 0; ; n++) {
    const id = n * 8 + writer
    const isWritten = await client.query('insert into photo values ($1)', [id]).then(
      () => true,
      () => false,
    )
    if (!isWritten) return
    acknowledged.push(id)
  }
}

async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + 30_000
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (Date.now() > deadline) throw error
      await sleep(50)
    }
  }
}

function kill(lock: { pid: number } | undefined, signal: NodeJS.Signals): void {
  assert.ok(lock)
  process.kill(lock.pid, signal)
}

/** The lock as a server leaves it that had this process id when the machine went down. */
async function leaveLock(dataDir: string, pid: number | undefined): Promise<void> {
  const lines = [pid, dataDir, 1_700_000_000, 5432, dataDir, '', '  1234567         0', 'ready   ', '']
  await writeFile(join(dataDir, 'postmaster.pid'), lines.join('\n'), { mode: 0o600 })
}

/** The id of a dead process whose parent never asks how it ended. */
async function zombie(t: TestContext): Promise<number> {
  const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 300'], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => parent.kill())
  const [line] = await once(createInterface(parent.stdout), 'line')
  const pid = Number(line)
  await eventually(async () => assert.match(await readFile(`/proc/${pid}/stat`, 'utf8'), /\) Z /))
  return pid
}
