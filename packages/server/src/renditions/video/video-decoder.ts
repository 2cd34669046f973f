/** Everything that is made of videos, with the ffmpeg of this machine, isolated. */
import { availableParallelism } from 'node:os'
import type { Sandbox } from '../../engines/sandbox/sandbox.ts'
import { CannotDecode, type MadeFile } from '../media.ts'
import { makeFastStart } from './fast-start.ts'
import { describeFfmpeg, type FfmpegPrograms } from './ffmpeg-programs.ts'
import { makeHls, type VariantHeight } from './hls.ts'
import { makePoster } from './poster.ts'
import { probeVideo, type VideoProbe } from './probe.ts'
import { createRunFfmpeg, type RunFfmpeg, type VideoWork } from './run-ffmpeg.ts'

/** All of it throws `CannotDecode` for what will be the same next time. Paths are absolute. */
export interface VideoDecoder {
  /** `contentType` is what the file's signature said when it was uploaded. */
  probe(path: string, contentType: string, signal: AbortSignal): Promise<VideoProbe>
  poster(path: string, probe: VideoProbe, work: VideoWork): Promise<MadeFile>
  fastStart(path: string, probe: VideoProbe, work: VideoWork): Promise<MadeFile>
  /** Tells the fraction that is done, from 0 to 1, about once a second. */
  hls(
    path: string,
    probe: VideoProbe,
    height: VariantHeight,
    work: VideoWork,
    onProgress: (fraction: number) => void,
  ): Promise<MadeFile>
}

/** More threads on one video gain little and each costs memory for its frames. */
const maxThreads = 4

/** `ffmpeg` is what `findFfmpeg` found; without one, every video is `decoder-missing`. */
export function createVideoDecoder({
  sandbox,
  ffmpeg,
}: {
  sandbox: Sandbox
  ffmpeg: FfmpegPrograms | null
}): VideoDecoder {
  const run = ffmpeg === null ? null : createRunFfmpeg({ sandbox, programs: ffmpeg, threads: threadsOfThisMachine() })
  /** The program, when it has these parts. */
  const having = (parts: string[]): RunFfmpeg => {
    if (run === null) throw new CannotDecode('decoder-missing', describeFfmpeg(null))
    const missing = parts.filter((part) => run.lacks.includes(part))
    if (missing.length > 0) {
      throw new CannotDecode('decoder-missing', `This needs an ffmpeg with ${missing.join(' and ')}.`)
    }
    return run
  }
  return {
    probe: async (path, contentType, signal) => probeVideo(having([]), path, contentType, signal),
    poster: async (path, probe, work) => makePoster(having(['mjpeg', 'signalstats']), path, probe, work),
    fastStart: async (path, probe, work) => makeFastStart(having([]), path, probe, work),
    hls: async (path, probe, height, work, onProgress) =>
      makeHls(having(['libx264', 'aac']), path, probe, height, work, onProgress),
  }
}

const threadsOfThisMachine = () => Math.min(maxThreads, availableParallelism())
