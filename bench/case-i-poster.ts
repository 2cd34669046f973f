/** (i) The poster of a 4K video in HEVC. */
import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { findFfmpeg } from '../packages/server/src/renditions/video/index.ts'
import { benchDirectory } from './contender.ts'
import type { BenchContext } from './context.ts'
import type { PosterResult } from './measure-poster.ts'
import { median, type Section } from './report.ts'

const wanted = 0.5

export async function poster(context: BenchContext): Promise<Section> {
  const folder = await mkdtemp(join(benchDirectory(), 'heliograph-bench-video-'))
  try {
    const video = join(folder, 'video.mp4')
    await makeVideo(video)
    const runs: PosterResult[] = []
    for (let round = 0; round < context.rounds; round += 1) runs.push(await measure(context, video, folder))
    const of = (value: (run: PosterResult) => number) => median(runs.map(value))
    const cpu = of((run) => run.poster)
    return {
      id: 'i',
      title: 'The poster of a 4K video in HEVC',
      method:
        'Ten seconds of a moving test picture with noise, 3840×2160, 10 bits, a keyframe every 2 s, 30 frames a second. CPU is that of ffmpeg, of the ' +
        'sandbox it runs in and of the caller; mean of five, median over rounds.',
      header: ['step', 'CPU s', 'seconds'],
      rows: [
        ['probe', of((run) => run.probe).toFixed(3), ''],
        ['poster', cpu.toFixed(3), of((run) => run.seconds).toFixed(3)],
      ],
      targets: [{ what: 'poster, CPU s', wanted: `under ${wanted}`, measured: cpu.toFixed(2), met: cpu < wanted }],
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function makeVideo(path: string): Promise<void> {
  const found = await findFfmpeg(process.env.PATH ?? '')
  if (found === null) throw new Error('There is no ffmpeg')
  await promisify(execFile)(found.ffmpeg, [
    ...['-f', 'lavfi', '-i', 'testsrc2=size=3840x2160:rate=30:duration=10,noise=alls=12:allf=t'],
    ...['-c:v', 'libx265', '-preset', 'ultrafast', '-crf', '30', '-pix_fmt', 'yuv420p10le'],
    ...['-x265-params', 'keyint=60:min-keyint=60:log-level=error', '-tag:v', 'hvc1', '-loglevel', 'error', path],
  ])
}

async function measure({ limits }: BenchContext, video: string, folder: string): Promise<PosterResult> {
  const script = fileURLToPath(new URL('measure-poster.ts', import.meta.url))
  const [command = '', ...args] = limits.server([process.execPath, script, video, folder, '5'])
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  return JSON.parse(await text(child.stdout)) as PosterResult
}
