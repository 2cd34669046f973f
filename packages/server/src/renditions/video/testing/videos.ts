/** Small videos for tests, made by ffmpeg itself, and a decoder to try on them. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createSandbox } from '../../../engines/sandbox/sandbox.ts'
import { createVideoDecoder, type FfmpegPrograms, findFfmpeg, type VideoDecoder, type VideoWork } from '../index.ts'

const run = promisify(execFile)

export interface VideoBench {
  folder: string
  ffmpeg: FfmpegPrograms
  decoder: VideoDecoder
  work: VideoWork
  /** Makes `name` in the folder from ffmpeg's options, and gives its path. */
  make(name: string, ...options: string[]): Promise<string>
  /** Decodes to bytes of raw video: `rgb24`, or what the options say. */
  decode(path: string, ...options: string[]): Promise<Buffer>
  close(): Promise<void>
}

/** With the ffmpeg that npm brought, so that the suite needs none of the system; null where there is none. */
export async function openVideoBench(): Promise<VideoBench | null> {
  const ffmpeg = await findFfmpeg('')
  if (ffmpeg === null) return null
  const folder = await mkdtemp(join(tmpdir(), 'heliograph-video-'))
  return {
    folder,
    ffmpeg,
    decoder: createVideoDecoder({ sandbox: await createSandbox(), ffmpeg }),
    work: { scratch: folder, signal: new AbortController().signal, priority: 'interactive' },
    async make(name, ...options) {
      const path = join(folder, name)
      await run(ffmpeg.ffmpeg, ['-nostdin', '-loglevel', 'error', '-y', ...options, path])
      return path
    },
    async decode(path, ...options) {
      const args = ['-nostdin', '-loglevel', 'error', '-i', path, ...options, '-f', 'rawvideo', 'pipe:1']
      const { stdout } = await run(ffmpeg.ffmpeg, args, { encoding: 'buffer', maxBuffer: 1 << 28 })
      return stdout
    },
    close: () => rm(folder, { recursive: true, force: true }),
  }
}

/** Options for a moving picture. */
export const film = (size: string, seconds: number, rate = 25) => [
  '-f',
  'lavfi',
  '-i',
  `testsrc2=size=${size}:rate=${rate}:duration=${seconds}`,
]
export const tone = (seconds: number) => ['-f', 'lavfi', '-i', `sine=frequency=440:duration=${seconds}`]
export const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p']
export const aac = ['-c:a', 'aac']
