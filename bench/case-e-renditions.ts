/** (e) Photos from upload to every size ready, beside bare sharp making the same sizes. */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { benchDirectory, heliograph, startServer } from './contender.ts'
import type { BenchContext } from './context.ts'
import type { PhotosPlan, PhotosResult } from './load-photos.ts'
import { readTreeMemory, readUsage } from './process-tree.ts'
import { median, megabytes, type Section } from './report.ts'
import { makePhotos } from './sample-photos.ts'

interface Run {
  photos: number
  seconds: number
  /** CPU seconds, of Postgres apart. */
  cpu: number
  postgresCpu: number
  /** Bytes. */
  peak: number
  failed: number
}

const allSizes = [2560, 1440, 720, 320]
/** The published design makes two. */
const twoSizes = [1440, 320]
const publishedCpu = 0.25

export async function renditions(context: BenchContext): Promise<Section> {
  const count = context.quick ? 24 : 200
  const root = await mkdtemp(join(benchDirectory(), 'heliograph-bench-photos-'))
  const folder = join(root, 'photos')
  try {
    const size = await makePhotos(folder, count)
    const contenders = [
      { label: 'sharp, one decode', run: () => bareSharp(context, root, folder, allSizes, 'chain') },
      { label: 'sharp, a decode a size', run: () => bareSharp(context, root, folder, allSizes, 'clone') },
      { label: 'heliograph, upload to ready', run: () => ours(context, folder) },
      { label: 'sharp, two sizes', run: () => bareSharp(context, root, folder, twoSizes, 'chain') },
    ]
    const rounds = contenders.map((): Run[] => [])
    for (let round = 0; round < context.rounds; round += 1) {
      for (const [index, { label, run }] of contenders.entries()) {
        const result = await run()
        rounds[index]?.push(result)
        process.stderr.write(
          `  ${label}: ${(result.photos / result.seconds).toFixed(2)} photos/s, CPU ${(result.cpu / result.photos).toFixed(3)} s a photo, ` +
            `Postgres ${(result.postgresCpu / result.photos).toFixed(3)}, peak ${megabytes(result.peak)} MB, failed ${result.failed}\n`,
        )
      }
    }
    return describe(contenders, rounds, count, size)
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

function describe(contenders: { label: string }[], rounds: Run[][], count: number, size: number): Section {
  const of = (index: number, value: (run: Run) => number) => median((rounds[index] ?? []).map(value))
  const speed = (run: Run) => run.photos / run.seconds
  // Of each round, against the faster way of using sharp in that round.
  const ratio = median(
    (rounds[2] ?? []).map((run, round) => {
      const peers = [rounds[0]?.[round], rounds[1]?.[round]].map((peer) => (peer === undefined ? 0 : speed(peer)))
      return speed(run) / Math.max(...peers)
    }),
  )
  const two = of(3, (run) => run.cpu / run.photos)
  return {
    id: 'e',
    title: `${count} photos of 12 megapixels, from upload to every size ready`,
    method:
      `Synthetic photos of ${(size / 1e6).toFixed(1)} MB on average, into WebP (quality 80, effort 2) of 320, 720, 1440 and 2560 pixels. Ours runs whole: upload, checks, Postgres, metadata, ` +
      'thumbhash, isolated decoders, four durable files and their rows a photo, until the last photo shows as ready. ' +
      'Bare sharp reads the photos from a folder and writes files, unflushed; "one decode" makes each size of the one above, ' +
      '"a decode a size" opens the file for each. The last row is what two sizes (1440 and 320) cost, as the published design makes them. ' +
      'Memory is the largest sum of private memory of the server and its decoders, without Postgres; of sharp the peak of its process.',
    header: ['program', 'photos/s', 'CPU s a photo', 'Postgres CPU s a photo', 'peak MB', 'failed'],
    rows: contenders.map(({ label }, index) => [
      label,
      of(index, speed).toFixed(2),
      of(index, (run) => run.cpu / run.photos).toFixed(3),
      index === 2 ? of(index, (run) => run.postgresCpu / run.photos).toFixed(4) : '',
      megabytes(of(index, (run) => run.peak)),
      String(Math.max(...(rounds[index] ?? []).map((run) => run.failed))),
    ]),
    targets: [
      {
        what: 'ours to the faster bare sharp, photos a second',
        wanted: 'at least 0.85',
        measured: ratio.toFixed(2),
        met: ratio >= 0.85,
      },
      {
        what: 'CPU seconds a photo for two sizes, by the same decoder settings',
        wanted: `at most ${publishedCpu}`,
        measured: two.toFixed(3),
        met: two <= publishedCpu,
      },
    ],
  }
}

async function ours({ limits }: BenchContext, folder: string): Promise<Run> {
  const server = await startServer(heliograph.whole, limits)
  let peak = 0
  const watch = setInterval(() => {
    peak = Math.max(peak, readTreeMemory(server.pid))
  }, 250)
  try {
    const before = readUsage(server.pid)
    const plan: PhotosPlan = { url: server.url, token: server.token ?? '', folder, concurrency: 8 }
    const script = fileURLToPath(new URL('load-photos.ts', import.meta.url))
    const result = await runJson<PhotosResult>(limits.load([process.execPath, script, JSON.stringify(plan)]))
    const after = readUsage(server.pid)
    return {
      photos: result.photos,
      seconds: result.seconds,
      cpu: after.server - before.server,
      postgresCpu: after.postgres - before.postgres,
      peak,
      failed: result.failed,
    }
  } finally {
    clearInterval(watch)
    await server.stop()
  }
}

async function bareSharp(
  { limits }: BenchContext,
  root: string,
  folder: string,
  sizes: number[],
  way: 'chain' | 'clone',
): Promise<Run> {
  const out = join(root, 'out')
  await mkdir(out)
  const script = fileURLToPath(new URL('peers/bare-sharp.ts', import.meta.url))
  try {
    const result = await runJson<Omit<Run, 'failed' | 'postgresCpu'>>(limits.server([process.execPath, script]), {
      PHOTOS: folder,
      OUT: out,
      SIZES: sizes.join(','),
      WAY: way,
    })
    return { ...result, postgresCpu: 0, failed: 0 }
  } finally {
    await rm(out, { recursive: true })
  }
}

async function runJson<T>([command = '', ...args]: string[], environment: Record<string, string> = {}): Promise<T> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...environment } })
  return JSON.parse(await text(child.stdout)) as T
}
