/**
 * Writes docs/formats.md from a run: starts a server on an empty folder, uploads a folder of samples through the command line,
 * waits until they are settled, and tells what became of each.
 * `npm run formats -- <folder>`; the folder has samples in folders and a MANIFEST.tsv, whose first column names files and whose
 * last says what each tests.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { findFfmpeg } from '../packages/server/src/renditions/index.ts'
import { toDocument } from './formats-document.mjs'

/** Minutes for everything to be seen; and for further sizes of films, which nobody has to wait for. */
const longestWait = 9
const longestWaitForSizes = 5
const progressSeconds = 15

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const program = join(root, 'packages/server/src/cli/main.ts')

const folder = process.argv[2]
if (folder === undefined) {
  console.error('Name the folder of the samples, which has a MANIFEST.tsv: npm run formats -- <folder>')
  process.exit(2)
}

const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stopping.abort(new Error(`Ended by ${signal}`)))

const home = await mkdtemp(join(tmpdir(), 'heliograph-formats-'))
try {
  const samples = [...(await readManifest(folder)), ...(await makeSamples(join(home, 'generated')))]
  const run = await withServer(home, (server) => settle(server, samples))
  await writeFile(join(root, 'docs/formats.md'), toDocument({ ...run, made: await programs() }))
} catch (error) {
  if (!stopping.signal.aborted) throw error
  console.error(`${stopping.signal.reason.message}; docs/formats.md is as it was.`)
  process.exitCode = 130
} finally {
  await rm(home, { recursive: true, force: true })
}

/** Uploads them all and gives each with its asset, or with why it was refused. */
async function settle({ address, heliograph }, samples) {
  const startedAt = Date.now()
  const folders = [...new Set(samples.map(({ path }) => dirname(path)))]
  const summary = JSON.parse(await heliograph('upload', '--all', '--json', '--server', address, ...folders))
  const assets = await settled(startedAt, async () =>
    (await heliograph('list', '--all', '--json', '--server', address))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line)),
  )
  const bySha256 = new Map(assets.map((asset) => [asset.sha256, asset]))
  const taken = new Map()
  const outcomes = []
  for (const sample of samples) {
    const asset = bySha256.get(await sha256Of(sample.path)) ?? null
    const refusal = summary.failed.find(({ file }) => file.endsWith(sample.name)) ?? null
    const sameAs = asset === null ? null : (taken.get(asset.id) ?? null)
    if (asset !== null && sameAs === null) taken.set(asset.id, sample.name)
    outcomes.push({
      ...sample,
      asset,
      refusal,
      sameAs,
      hasDate: asset !== null && (await hasDate(asset, sample.path, startedAt)),
      streams: asset?.urls.hls == null ? [] : await streamsOf(asset.urls.hls),
    })
  }
  return { outcomes, minutes: (Date.now() - startedAt) / 60_000 }
}

/** Without its own date an asset has that of the upload, which is the date of the file. */
async function hasDate({ capturedAt, capturedOffset }, path, startedAt) {
  if (capturedOffset !== null) return true
  const { mtimeMs } = await stat(path)
  const time = Date.parse(capturedAt)
  return Math.abs(time - mtimeMs) > 2_000 && time < startedAt
}

async function streamsOf(playlist) {
  const response = await fetch(playlist, { signal: stopping.signal })
  return [...(await response.text()).matchAll(/RESOLUTION=(\d+x\d+)/g)].map(([, size]) => size)
}

async function settled(startedAt, list) {
  let saidAt = 0
  for (;;) {
    const assets = await list()
    const minutes = (Date.now() - startedAt) / 60_000
    const unseen = assets.filter(({ state }) => state === 'processing')
    const unfinished = assets.filter(({ processing }) => processing !== null)
    const waitsFor = minutes > longestWaitForSizes ? unseen : unfinished
    if (waitsFor.length === 0 || minutes > longestWait) return assets
    if (Date.now() - saidAt > progressSeconds * 1_000) {
      saidAt = Date.now()
      console.error(`${waitsFor.length} of ${assets.length} left, such as ${JSON.stringify(waitsFor[0].filename)}`)
    }
    await delay(3_000, undefined, { signal: stopping.signal })
  }
}

/** Ends the server whatever becomes of the work. */
async function withServer(home, work) {
  const port = await freePort()
  const address = `http://127.0.0.1:${port}`
  const own = {
    PORT: String(port),
    OPS_PORT: '0',
    DATA_DIR: join(home, 'data'),
    LOG_LEVEL: 'error',
    // So that one long film holds nothing up.
    VIDEO_CONCURRENCY: '2',
  }
  const env = { ...process.env, ...own, HOME: home, XDG_CONFIG_HOME: home }
  // In a group of its own: Ctrl-C is for this program, which then ends the server.
  const server = spawn(process.execPath, [program, 'serve'], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
  })
  const ended = once(server, 'exit')
  /** Standard output of the command line. Its exit code also says that files were refused, which is no failure here. */
  const heliograph = async (...args) => {
    stopping.signal.throwIfAborted()
    const child = spawn(process.execPath, [program, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] })
    const [output] = await Promise.all([text(child.stdout), once(child, 'exit')])
    stopping.signal.throwIfAborted()
    return output
  }
  try {
    await Promise.race([
      isReady(address),
      ended.then(() => {
        throw new Error('The server did not start')
      }),
    ])
    return await work({ address, heliograph })
  } finally {
    server.kill('SIGTERM')
    await ended
  }
}

async function isReady(address) {
  for (;;) {
    const response = await fetch(`${address}/readyz`).catch(() => null)
    if (response?.ok) return
    await delay(200, undefined, { signal: stopping.signal })
  }
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  await once(probe, 'close')
  return port
}

async function readManifest(folder) {
  const lines = (await readFile(join(folder, 'MANIFEST.tsv'), 'utf8')).trim().split('\n').slice(1)
  const tests = new Map(lines.map((line) => [line.split('\t')[0], line.split('\t').at(-1)]))
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && entry.parentPath !== folder)
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path, name: path.slice(join(folder, '/').length) }))
    .map((sample) => ({ ...sample, tests: tests.get(sample.name) ?? '' }))
    .sort((one, other) =>
      isHostile(one) === isHostile(other) ? (one.name < other.name ? -1 : 1) : isHostile(one) ? 1 : -1,
    )
}

/** The good ones come first: of two with the same bytes, the second is the one that is there already. */
function isHostile({ name }) {
  return name.startsWith('hostile/')
}

/** What scanners and programs write, and the folder may lack. */
async function makeSamples(folder) {
  await mkdir(folder)
  const picture = sharp({ create: { width: 1_600, height: 1_200, channels: 3, background: '#c08040' } }).composite([
    { input: { create: { width: 800, height: 600, channels: 3, background: '#204080' } }, left: 100, top: 100 },
  ])
  const files = [
    ['lzw.tiff', 'TIFF, LZW', picture.clone().tiff({ compression: 'lzw' })],
    [
      'deflate_16bit.tiff',
      'TIFF, Deflate, 16 bits',
      picture.clone().toColourspace('rgb16').tiff({ compression: 'deflate' }),
    ],
    ['jpeg_tiled.tiff', 'TIFF, JPEG, tiled', picture.clone().tiff({ compression: 'jpeg', tile: true })],
    ['still.gif', 'GIF of one picture', picture.clone().gif()],
  ]
  for (const [name, , image] of files) await image.toFile(join(folder, name))
  return files.map(([name, tests]) => ({ path: join(folder, name), name: `generated/${name}`, tests }))
}

async function sha256Of(path) {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/** What the document was made with. */
async function programs() {
  const versionOf = async (name) =>
    JSON.parse(await readFile(join(root, 'node_modules', name, 'package.json'), 'utf8')).version
  const ffmpeg = await findFfmpeg(process.env.PATH ?? '')
  return [
    `sharp ${sharp.versions.sharp} (libvips ${sharp.versions.vips})`,
    `libheif-js ${await versionOf('libheif-js')}`,
    `@jsquash/jxl ${await versionOf('@jsquash/jxl')}`,
    ffmpeg === null
      ? 'no ffmpeg'
      : `ffmpeg ${ffmpeg.version} (${ffmpeg.origin === 'npm' ? 'from npm' : "the system's"})`,
  ]
}
