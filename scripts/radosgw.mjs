/**
 * A real S3 on this machine, for tests and benchmarks: Ceph's gateway (radosgw) with one monitor and one storage daemon,
 * from Debian's packages, on loopback ports that are free, in a folder of its own. Plain JavaScript for Node 20 and later.
 *
 *     node scripts/radosgw.mjs up [--dir D]     prints the s3:// URL of an empty bucket as its last line
 *     node scripts/radosgw.mjs down [--dir D]   ends it and removes the folder; repeating it is fine
 *
 * What could go wrong: packages that are missing are named with the command that brings them. The daemons outlive this
 * program, and one that is killed leaves them running until `down`; only processes that work in that folder are ended.
 */
import { execFile } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { parseArgs, promisify } from 'node:util'

const exec = promisify(execFile)
const programs = ['ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin', 'ceph', 'ceph-authtool', 'monmaptool']
const install = 'apt-get install -y --no-install-recommends ceph-mon ceph-osd radosgw ceph-common'
const bucket = 'heliograph'

/** Milliseconds until everything must answer. */
const readyWithin = 60_000

/** What a person can do something about; the message says what. */
export class RadosgwFailed extends Error {}

/**
 * @typedef {object} Radosgw
 * @property {string} url `s3://KEY:SECRET@bucket?endpoint=…`; the bucket is there and empty
 * @property {string} endpoint `http://127.0.0.1:PORT`
 * @property {string} bucket
 * @property {string} accessKey
 * @property {string} secretKey
 * @property {() => Promise<void>} stop ends the daemons and removes the folder
 */

/**
 * Starts a gateway in an empty folder, in 5 to 20 seconds. What an earlier one left in the folder goes first.
 *
 * @param {{ dir: string }} options
 * @returns {Promise<Radosgw>}
 * @throws {RadosgwFailed}
 */
export async function startRadosgw({ dir }) {
  assertInstalled()
  const folder = resolve(dir)
  await stopRadosgw({ dir: folder })
  try {
    const cluster = await createCluster(folder)
    await startStorage(cluster)
    const gateway = await startGateway(cluster)
    return { ...gateway, stop: () => stopRadosgw({ dir: folder }) }
  } catch (error) {
    const log = await lastLines(join(folder, 'log'))
    await stopRadosgw({ dir: folder })
    throw new RadosgwFailed(`radosgw did not start: ${error.message}\n${log}`, { cause: error })
  }
}

/**
 * Ends the daemons of this folder and removes it. Succeeds when there is nothing.
 *
 * @param {{ dir: string }} options
 */
export async function stopRadosgw({ dir }) {
  const folder = resolve(dir)
  // Without the file that only we write, this folder is not ours to remove.
  if (!existsSync(join(folder, 'ceph.conf'))) return
  // The gateway first: it waits for the others as it ends.
  const pids = (await pidsOf(folder)).reverse()
  for (const signal of ['SIGTERM', 'SIGKILL']) {
    for (const pid of pids) if (await isOurs(pid, folder)) process.kill(pid, signal)
    for (let tries = 0; tries < 50 && (await anyOurs(pids, folder)); tries += 1) await delay(100)
  }
  await rm(folder, { recursive: true, force: true })
}

function assertInstalled() {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/sbin']
  const missing = programs.filter((program) => !folders.some((folder) => existsSync(join(folder, program))))
  if (missing.length > 0) {
    throw new RadosgwFailed(`Not installed: ${missing.join(', ')}. On Debian, as root:\n  ${install}`)
  }
}

/** Writes configuration and keys. All keys are made here, so that no daemon has to be asked for one. */
async function createCluster(folder) {
  for (const name of ['mon', 'osd', 'rgw', 'run', 'log']) await mkdir(join(folder, name), { recursive: true })
  const [messenger, legacy, gatewayPort, storagePort] = await freePorts(4)
  const config = join(folder, 'ceph.conf')
  const keyring = join(folder, 'keyring')
  const fsid = randomUUID()
  await writeFile(config, configuration({ folder, fsid, messenger, legacy, gatewayPort, storagePort, keyring }))

  const all = { mon: 'allow *', osd: 'allow *', mgr: 'allow *' }
  for (const [name, caps] of Object.entries({
    'mon.': { mon: 'allow *' },
    'client.admin': all,
    'osd.0': { mon: 'allow profile osd', osd: 'allow *', mgr: 'allow profile osd' },
    'client.rgw': { mon: 'allow rw', osd: 'allow rwx', mgr: 'allow rw' },
  })) {
    const create = existsSync(keyring) ? [] : ['--create-keyring']
    const flags = Object.entries(caps).flatMap(([daemon, cap]) => ['--cap', daemon, cap])
    await exec('ceph-authtool', [keyring, ...create, '--gen-key', '-n', name, ...flags])
  }
  const monmap = join(folder, 'monmap')
  const addresses = `[v2:127.0.0.1:${messenger},v1:127.0.0.1:${legacy}]`
  await exec('monmaptool', ['--create', '--fsid', fsid, '--addv', 'a', addresses, monmap])
  return { folder, config, keyring, monmap, gatewayPort }
}

async function startStorage({ folder, config, keyring, monmap }) {
  await exec('ceph-mon', ['-c', config, '--mkfs', '-i', 'a', '--monmap', monmap, '--keyring', keyring])
  await exec('ceph-mon', ['-c', config, '-i', 'a'])
  const uuid = randomUUID()
  await exec('ceph', ['-c', config, '--connect-timeout', '30', 'osd', 'new', uuid])
  await writeFile(join(folder, 'osd', 'keyring'), await readFile(keyring))
  await exec('ceph-osd', ['-c', config, '-i', '0', '--mkfs', '--osd-uuid', uuid])
  await exec('ceph-osd', ['-c', config, '-i', '0'])
}

async function startGateway({ config, gatewayPort }) {
  const endpoint = `http://127.0.0.1:${gatewayPort}`
  await exec('radosgw', ['-c', config, '-n', 'client.rgw'])
  const deadline = Date.now() + readyWithin
  while (!(await answers(endpoint))) {
    if (Date.now() > deadline) throw new Error(`nothing answers at ${endpoint}`)
    await delay(100)
  }
  const accessKey = randomBytes(10).toString('hex')
  const secretKey = randomBytes(20).toString('hex')
  const user = ['--uid=heliograph', '--display-name=heliograph', `--access-key=${accessKey}`, `--secret=${secretKey}`]
  await exec('radosgw-admin', ['-c', config, '-n', 'client.rgw', 'user', 'create', ...user])
  await createBucket(endpoint, accessKey, secretKey)
  const url = `s3://${accessKey}:${secretKey}@${bucket}?endpoint=${endpoint}`
  return { url, endpoint, bucket, accessKey, secretKey }
}

async function createBucket(endpoint, accessKeyId, secretAccessKey) {
  const { CreateBucketCommand, S3Client } = await import('@aws-sdk/client-s3')
  const credentials = { accessKeyId, secretAccessKey }
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
  } finally {
    client.destroy()
  }
}

async function answers(endpoint) {
  try {
    await fetch(endpoint, { signal: AbortSignal.timeout(2_000) })
    return true
  } catch {
    // Not listening yet.
    return false
  }
}

/** One copy of everything and no waiting for others: the monitor's proposals alone would take a second each. */
function configuration({ folder, fsid, messenger, legacy, gatewayPort, storagePort, keyring }) {
  return `[global]
fsid = ${fsid}
mon_host = [v2:127.0.0.1:${messenger},v1:127.0.0.1:${legacy}]
mon_initial_members = a
public_addr = 127.0.0.1
ms_bind_port_min = ${storagePort}
ms_bind_port_max = ${storagePort + 200}
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
auth_allow_insecure_global_id_reclaim = false
keyring = ${keyring}
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 4
osd_pool_default_pgp_num = 4
osd_pool_default_pg_autoscale_mode = off
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
mon_data_avail_warn = 1
mon_data_avail_crit = 1
paxos_propose_interval = 0.05
paxos_min_wait = 0.01
crush_location = root=default host=local
osd_crush_chooseleaf_type = 0
mon_data = ${join(folder, 'mon')}
osd_data = ${join(folder, 'osd')}
osd_objectstore = bluestore
bluestore_block_size = ${64 * 1024 ** 3}
bluestore_fsck_on_mount = false
osd_memory_target = ${1024 ** 3}
run_dir = ${join(folder, 'run')}
admin_socket =
pid_file = ${join(folder, 'run')}/$name.pid
log_file = ${join(folder, 'log')}/$name.log
crash_dir = ${join(folder, 'log')}
setuser_match_path =
debug_ms = 0
rgw_frontends = beast endpoint=127.0.0.1:${gatewayPort}
rgw_data = ${join(folder, 'rgw')}
rgw_dns_name = localhost
rgw_lc_debug_interval = 10
`
}

/** Held open together, so that they differ. */
async function freePorts(count) {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      await new Promise((done, failed) => server.once('error', failed).listen(0, '127.0.0.1', done))
      return server
    }),
  )
  const ports = servers.map((server) => server.address().port)
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))))
  return ports
}

/** In the order monitor, storage, gateway. */
async function pidsOf(folder) {
  const run = join(folder, 'run')
  if (!existsSync(run)) return []
  const names = (await readdir(run)).filter((name) => name.endsWith('.pid'))
  const order = ['mon', 'osd', 'client']
  names.sort((a, b) => order.indexOf(a.split('.')[0]) - order.indexOf(b.split('.')[0]))
  const pids = await Promise.all(names.map(async (name) => Number(await readFile(join(run, name), 'utf8'))))
  return pids.filter((pid) => pid > 0)
}

/** A process id may have been given to another process since: ours has our configuration in its command line. */
async function isOurs(pid, folder) {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').includes(join(folder, 'ceph.conf'))
  } catch {
    // It is gone.
    return false
  }
}

async function anyOurs(pids, folder) {
  const found = await Promise.all(pids.map((pid) => isOurs(pid, folder)))
  return found.includes(true)
}

/** The end of every log, for a start that failed. */
async function lastLines(folder) {
  if (!existsSync(folder)) return ''
  const names = await readdir(folder)
  const texts = await Promise.all(
    names
      .filter((name) => name.endsWith('.log'))
      .map(async (name) => [name, await readFile(join(folder, name), 'utf8')]),
  )
  return texts.map(([name, text]) => `${name}:\n${text.split('\n').slice(-8).join('\n')}`).join('\n')
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { dir: { type: 'string', default: join(tmpdir(), 'heliograph-radosgw') } },
  })
  if (positionals[0] === 'up') console.log((await startRadosgw({ dir: values.dir })).url)
  else if (positionals[0] === 'down') await stopRadosgw({ dir: values.dir })
  else throw new RadosgwFailed('Use: radosgw.mjs up|down [--dir D]')
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    await main()
  } catch (error) {
    if (!(error instanceof RadosgwFailed)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}
