/**
 * Converts a video for adaptive streaming: H.264 and AAC in fragmented MP4, one file a variant. Every variant begins a
 * segment every four seconds with a keyframe, so that players change between them at any of those.
 */
import { join } from 'node:path'
import { CannotDecode, type MadeFile } from '../media.ts'
import { readDetail } from './hls-detail.ts'
import { memoryFor } from './limits.ts'
import { fit, type Size, standardPicture } from './picture-filters.ts'
import type { Picture, VideoProbe } from './probe.ts'
import type { RunFfmpeg, VideoWork } from './run-ffmpeg.ts'

/** Pixels of the short side. */
export type VariantHeight = 480 | 720 | 1080

/** Most bits a second of the picture, at up to 30 frames a second. */
const maxRates: Record<VariantHeight, number> = { 480: 1_500_000, 720: 3_500_000, 1080: 6_000_000 }
const audioRate = 128_000

/** A panorama keeps its shape, but no level of H.264 that phones decode is wider than this. Pixels. */
const longSide = 4_096

/** Seconds. */
const segmentDuration = 4

/** Slow motion is filmed at 120 or 240 frames a second, which screens and phones' decoders do not show. */
const maxFrameRate = 60

/** Longer ones are lies more often than films, and each second of silence has to be made. Seconds. */
const longestVideo = 24 * 3_600

/** Nothing that works takes this long for the next frame, even when it must give way to others. Seconds. */
const longestStall = 300

/**
 * The variants to make of a video, the one to watch first leading. None is larger than the original, and none so near to
 * the next larger one that nobody would see the difference.
 */
export function variantHeights({ width, height }: Size): VariantHeight[] {
  const short = Math.min(width, height)
  const ascending = ([480, 720, 1080] as const).map((rung) => ({ rung, side: Math.min(rung, short) }))
  return ascending
    .filter(({ side }, index) => side > (ascending[index - 1]?.side ?? 0))
    .filter(({ side }, index, rungs) => (rungs[index + 1]?.side ?? Number.POSITIVE_INFINITY) >= side * 1.2)
    .toSorted((a, b) => Math.abs(a.side - 720) - Math.abs(b.side - 720))
    .map(({ rung }) => rung)
}

/** Writes `hls-<height>.mp4` to the scratch folder; its `detail` is an `HlsVariant`. Throws `CannotDecode`. */
export async function makeHls(
  run: RunFfmpeg,
  path: string,
  probe: VideoProbe,
  height: VariantHeight,
  { scratch, signal, priority }: VideoWork,
  onProgress: (fraction: number) => void,
): Promise<MadeFile> {
  const { picture, sound, container, duration } = probe
  if (picture === null) throw new CannotDecode('undecodable', 'There is only sound in this file, no picture.')
  if (duration !== null && duration > longestVideo) {
    throw new CannotDecode('too-large', 'Videos of more than a day are not converted.')
  }
  const size = fit(picture, { short: height, long: longSide })
  const name = `hls-${height}`
  const media = join(scratch, `${name}.mp4`)
  const playlist = join(scratch, `${name}.m3u8`)
  const isFast = (picture.frameRate ?? 0) > 40
  const frameRate = picture.frameRate === null ? null : Math.min(picture.frameRate, maxFrameRate)
  const maxRate = maxRates[height] * (isFast ? 1.5 : 1)
  const filters = [
    ...((picture.frameRate ?? 0) > maxFrameRate + 1 ? [`fps=${maxFrameRate}`] : []),
    ...standardPicture(picture, size, 'yuv420p', run.lacks),
  ]

  const watch = watchProgress(duration, onProgress)
  try {
    await run({
      input: { path, container },
      // biome-ignore format: one option a line
      outputOptions: [
        '-map', `0:${picture.index}`, ...(sound === null ? [] : ['-map', `0:${sound.index}`]),
        '-map_metadata', '-1', '-map_metadata:s', '-1', '-map_chapters', '-1',
        '-progress', 'pipe:1', '-stats_period', '1',
        // Frames keep their times: no clock of a guessed rate that would drop those in between.
        '-vf', filters.join(','), '-fps_mode', 'vfr', '-enc_time_base', '1:90000',
        '-c:v', 'libx264', '-preset', 'veryfast', '-profile:v', 'high',
        // Frames out of order are sent ahead by the longest gap between two, which may be seconds where the rate varies.
        ...(picture.hasVariableRate ? ['-bf', '0'] : []),
        '-crf', '23', '-maxrate', String(maxRate), '-bufsize', String(maxRate * 2),
        '-force_key_frames', `expr:gte(t,n_forced*${segmentDuration})`, '-g', '9999', '-sc_threshold', '0',
        '-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709', '-color_range', 'tv',
        // Silence where sound is missing, so that it stays with the picture.
        ...(sound === null ? [] : ['-c:a', 'aac', '-b:a', String(audioRate), '-ac', '2', '-ar', '48000', '-af', 'aresample=async=1']),
        // A gap in time beyond the end would be filled with silence.
        ...(duration === null ? [] : ['-t', (duration + 60).toFixed(3)]),
        '-f', 'hls', '-hls_time', String(segmentDuration), '-hls_playlist_type', 'vod',
        '-hls_segment_type', 'fmp4', '-hls_flags', 'single_file',
        '-hls_segment_filename', media, playlist,
      ],
      scratch,
      limits: {
        memory: memoryFor(picture) + memoryFor({ ...picture, coded: size }),
        seconds: longestEncoding(picture, probe),
        // Files without an index at the end may be much longer than they say, but not than their bytes allow.
        fileSize:
          Math.round(Math.max(((maxRate + audioRate) / 8) * 1.5 * (duration ?? 0), probe.size * 4)) + (64 << 20),
      },
      priority,
      signal: AbortSignal.any([signal, watch.stalled]),
      onLine: watch.onLine,
    })
  } finally {
    watch.stop()
  }
  const detail = await readDetail({ playlist, media, hasAudio: sound !== null, frameRate })
  if (detail === null) throw new CannotDecode('undecodable', 'No picture of this video could be decoded.')
  const made = detail.segments.reduce((sum, [seconds]) => sum + seconds, 0)
  return { name, contentType: 'video/mp4', path: media, ...size, duration: made, detail }
}

/** No codec needs less for a frame, however little happens in it. Bytes. */
const smallestFrame = 16

/** Seconds: three frames of 1080p a second is what a slow and busy machine does at worst. At most a day. */
function longestEncoding({ coded, frameRate }: Picture, { duration, size }: VideoProbe): number {
  const told = duration === null ? Number.POSITIVE_INFINITY : duration * (frameRate ?? 30)
  const frames = Math.min(told, size / smallestFrame)
  return Math.min(86_400, 600 + (frames * ((coded.width * coded.height) / (1_920 * 1_080))) / 3)
}

/** Reads what `-progress` prints: `out_time_us`, microseconds of the film that are done, once a second. */
function watchProgress(duration: number | null, onProgress: (fraction: number) => void) {
  const stalled = new AbortController()
  const timer = setTimeout(
    () => stalled.abort(new CannotDecode('undecodable', 'This video cannot be decoded to its end.')),
    longestStall * 1_000,
  )
  let done = 0
  return {
    stalled: stalled.signal,
    onLine(line: string) {
      const reached = Number(/^out_time_us=(\d+)$/.exec(line)?.[1] ?? 0) / 1e6
      if (reached <= done) return
      done = reached
      timer.refresh()
      if (duration !== null && duration > 0) onProgress(Math.min(1, done / duration))
    },
    stop: () => clearTimeout(timer),
  }
}
