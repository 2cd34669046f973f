/**
 * `heliograph demo`: fills a library, so that anyone sees the product alive in a minute. It works on the server that runs here,
 * or starts one with a folder of its own and leaves it running.
 */
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type Client, createClient, createMemoryResumeStore } from '@heliograph/client'
import { startServer } from '../composition.ts'
import { loadConfig } from '../config/index.ts'
import { findFfmpeg } from '../renditions/index.ts'
import { type Command, type CommandContext, CommandError, numberOption, textOption } from './command.ts'
import { normalizeServer } from './credentials.ts'
import { type DemoAccount, openDemoAccount } from './demo-account.ts'
import { arrangeLibrary, type DemoLibrary, listAssets } from './demo-library.ts'
import { type Picture, planPictures, videoName, writePicture, writeVideo } from './demo-pictures.ts'
import { createLogger } from './logger.ts'
import { sayFailures } from './login-connect.ts'
import { showProgress } from './progress.ts'
import { count } from './progress-text.ts'
import { startUpload } from './upload-run.ts'
import { scanFiles } from './upload-scan.ts'
import { exitCodeOf, textSummary } from './upload-summary.ts'

export const demoCommand: Command = {
  name: 'demo',
  summary:
    'Fill a library with photos, videos and albums to look around in; starts a server for it when none runs here',
  usage: 'demo [options]',
  options: {
    server: {
      type: 'string',
      meaning: 'Address of the server; the one of this machine when absent',
      placeholder: 'url',
    },
    email: { type: 'string', meaning: 'Account to fill; demo@localhost when absent', placeholder: 'address' },
    password: { type: 'string', meaning: 'Its password; made up and shown when absent' },
    from: { type: 'string', meaning: 'Photos and videos to take instead of made-up ones', placeholder: 'folder' },
    count: { type: 'string', short: 'c', meaning: 'Photos to make up; 90 when absent', placeholder: 'number' },
    videos: { type: 'string', meaning: 'Videos to make up; 3 when absent', placeholder: 'number' },
  },
  run: demo,
}

async function demo(context: CommandContext): Promise<number> {
  const pictures = planPictures(numberOption(context, 'count', 90, 5000))
  const videos = numberOption(context, 'videos', 3, 100)
  const server = await findOrStartServer(context)
  const folder = await mkdtemp(join(tmpdir(), 'heliograph-demo-'))
  try {
    const account = await openDemoAccount(context, server.url)
    if (textOption(context, 'from') === null) await makeFiles(context, account.client, { pictures, videos, folder })
    const code = await upload(context, account.client, [...(await findMedia(context)), folder])
    if (code === 130) return code
    const library = await sayFailures(server.url, () => arrangeLibrary(account.client, pictures))
    await waitForThumbnails(context, account.client)
    context.stdout.write(describe(server, account, library))
    if (server.isOwn) await untilAborted(context.signal)
    return code
  } finally {
    await rm(folder, { recursive: true, force: true })
    await server.close()
  }
}

interface DemoServer {
  url: string
  /** Started by this command, and so ended by it. */
  isOwn: boolean
  close(): Promise<void>
}

async function findOrStartServer(context: CommandContext): Promise<DemoServer> {
  const { env, cwd, stderr } = context
  const named = textOption(context, 'server')
  const url = normalizeServer(named ?? `http://127.0.0.1:${env.PORT || 8080}`)
  if (named !== null || (await answers(url))) return { url, isOwn: false, close: async () => undefined }

  const config = loadConfig({ ...env, DATA_DIR: env.DATA_DIR || join(cwd, 'data', 'demo') })
  stderr.write(`No server runs here: starting one with its files in ${config.dataDir}\n`)
  await mkdir(config.dataDir, { recursive: true })
  const server = await startServer(config, createLogger(config))
  return { url: server.url, isOwn: true, close: () => server.close() }
}

async function answers(url: string): Promise<boolean> {
  try {
    await createClient({ baseUrl: url }).server({ signal: AbortSignal.timeout(3000) })
    return true
  } catch {
    // Whatever is there, it is no server of ours.
    return false
  }
}

/** Of the folder that was named, or of one beside the checkout that holds samples. */
async function findMedia(context: CommandContext): Promise<string[]> {
  const named = textOption(context, 'from')
  if (named !== null) return [named]
  const samples = resolve(context.cwd, '..', 'shared', 'media')
  const folders = ['images', 'motion', 'raw', 'video'].map((name) => join(samples, name))
  const present = await Promise.all(folders.map((folder) => stat(folder).catch(() => null)))
  return folders.filter((_, index) => present[index]?.isDirectory() === true)
}

/** Draws and films what the library does not have by its name; to find out by its bytes it would have to be made. */
async function makeFiles(context: CommandContext, client: Client, { pictures, videos, folder }: Plan): Promise<void> {
  const { stderr, env, signal } = context
  const present = new Set((await sayFailures(client.baseUrl, () => listAssets(client))).map(({ filename }) => filename))
  const missing = pictures.filter(({ filename }) => !present.has(filename))
  if (missing.length > 0) stderr.write(`Drawing ${count(missing.length, 'photo')} …\n`)
  const remaining = missing.values()
  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      for (const picture of remaining) {
        if (signal.aborted) throw new CommandError('Interrupted before anything was uploaded.', 130)
        await writePicture(picture, folder)
      }
    }),
  )

  const unfilmed = Array.from({ length: videos }, (_, number) => number).filter(
    (number) => !present.has(videoName(number)),
  )
  if (unfilmed.length === 0) return
  const ffmpeg = await findFfmpeg(env.PATH ?? '')
  if (ffmpeg === null) return void stderr.write('No videos: there is no ffmpeg on this machine.\n')
  stderr.write(`Filming ${count(unfilmed.length, 'video')} …\n`)
  for (const number of unfilmed) await writeVideo(ffmpeg.ffmpeg, number, folder)
}

interface Plan {
  pictures: Picture[]
  /** How many. */
  videos: number
  /** Where the files are put. */
  folder: string
}

async function upload(context: CommandContext, client: Client, paths: string[]): Promise<number> {
  const { cwd, env, signal, stdout, stderr } = context
  const started = performance.now()
  const scan = await scanFiles(paths, { cwd, all: false, signal })
  if (scan.files.length === 0 && scan.unreadable.length === 0) {
    stdout.write('Nothing to upload: it is all there.\n')
    return 0
  }
  const run = startUpload({ client, files: scan.files, concurrency: 4, resumeStore: createMemoryResumeStore(), signal })
  const display = showProgress({ output: stderr, env, read: run.progress })
  const tally = await run.done.finally(display.end)
  const report = {
    server: client.baseUrl,
    scan: { ...scan, others: [] },
    tally,
    seconds: (performance.now() - started) / 1000,
  }
  stdout.write(textSummary(report))
  return exitCodeOf(report)
}

/** Seconds that are waited for what the worker still makes. */
const patience = 300

async function waitForThumbnails({ stderr, signal }: CommandContext, client: Client): Promise<void> {
  const deadline = Date.now() + patience * 1000
  let said = -1
  while (Date.now() < deadline && !signal.aborted) {
    const { items } = await client.assets.list({ limit: 500 })
    const waiting = items.filter(({ state }) => state === 'processing').length
    if (waiting === 0) return
    if (waiting !== said) stderr.write(`Making thumbnails and videos, ${waiting} to go …\n`)
    said = waiting
    await setTimeout(2000)
  }
}

function describe(
  { url, isOwn }: DemoServer,
  { email, password }: DemoAccount,
  { assets, albums, sharedUrl }: DemoLibrary,
): string {
  const lines = [
    '',
    `The library is ready: ${count(assets, 'photo')} and videos in all, ${count(albums, 'album')}.`,
    '',
    `  ${url}/photos`,
    `    E-mail    ${email}`,
    `    Password  ${password}`,
  ]
  if (sharedUrl !== null)
    lines.push('', `  ${sharedUrl}`, '    what somebody sees who was sent this link, without an account')
  lines.push('', isOwn ? 'It runs until you press Ctrl-C.' : 'Run this again at any time: nothing is put in twice.', '')
  return lines.join('\n')
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
}
