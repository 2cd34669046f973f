/**
 * The still that stands for a video: a frame that is neither black nor blank. Only keyframes are decoded, since the one
 * nearest to a moment costs a tenth of the exact one; each next moment is tried only when the one before showed nothing.
 */
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { sizeOfMade } from '../made-file.ts'
import { CannotDecode, type MadeFile } from '../media.ts'
import type { Container } from './formats.ts'
import { posterLimits } from './limits.ts'
import { fit, type Size, standardPicture } from './picture-filters.ts'
import type { Picture, VideoProbe } from './probe.ts'
import type { RunFfmpeg, VideoWork } from './run-ffmpeg.ts'

/** Long side of the largest size of an image, pixels. */
const longSide = 2_560

/** Parts of the duration. Films fade in, so the start comes last. */
const parts = [0.1, 0.25, 0.5, 0]

/** Luma of a frame, 16 (black) to 235 (white): its mean, and what lies between its darkest and its brightest tenth. */
interface Brightness {
  mean: number
  spread: number
}

const isTelling = ({ mean, spread }: Brightness) => mean > 28 && mean < 228 && spread > 12

/** Where to take a frame from, as options before the input, and filters that choose among several. */
interface Moment {
  input: string[]
  choose: string[]
  /** Seconds; null where more than a keyframe is looked at. */
  keyframe: number | null
}

/** Writes JPEGs to the scratch folder, one of them the poster: upright, sRGB, at most 2560 pixels long. Throws `CannotDecode`. */
export async function makePoster(run: RunFfmpeg, path: string, probe: VideoProbe, work: VideoWork): Promise<MadeFile> {
  const { picture, container, duration } = probe
  if (picture === null) throw new CannotDecode('undecodable', 'There is only sound in this file, no picture.')
  const size = fit(picture, { short: longSide, long: longSide })

  let best: { file: string; brightness: Brightness } | null = null
  let problem: CannotDecode | undefined
  for (const [attempt, moment] of momentsOf(duration).entries()) {
    const file = join(work.scratch, `poster-${attempt}.jpg`)
    try {
      const source = (await takeKeyframe(
        run,
        { path, container },
        picture,
        moment,
        join(work.scratch, `keyframe-${attempt}.mov`),
        work,
      )) ?? { input: { path, container }, index: picture.index, options: moment.input }
      const options = ['-map', `0:${source.index}`, '-vf', filters(picture, size, moment, run.lacks).join(',')]
      const brightness = await grab(run, source.input, picture, source.options, options, file, work)
      if (brightness === null) continue
      if (best === null || brightness.spread > best.brightness.spread) best = { file, brightness }
      if (isTelling(brightness)) break
    } catch (error) {
      // This part of the file is damaged; another may not be.
      if (!(error instanceof CannotDecode) || error.reason !== 'undecodable') throw error
      problem = error
    }
  }
  if (best === null) throw new CannotDecode('undecodable', 'No picture of this video could be decoded.', problem)
  // It is read next, to make the other sizes of it.
  await sizeOfMade(best.file)
  return { name: 'poster', contentType: 'image/jpeg', path: best.file, ...size, duration: null, detail: null }
}

function momentsOf(duration: number | null): Moment[] {
  const keyframe = (seconds: number): Moment => ({
    input: ['-ss', seconds.toFixed(3), '-noaccurate_seek', '-skip_frame', 'nokey'],
    // The keyframe lies before the moment, where ffmpeg would drop it.
    choose: ['setpts=N'],
    keyframe: seconds,
  })
  return [
    ...(duration === null ? [0] : [...new Set(parts.map((part) => part * duration))]).map(keyframe),
    // Keyframes may all be dark, too few, or not marked: then the most typical frame of the first seconds.
    { input: ['-t', '6'], choose: ['fps=2', 'thumbnail=12'], keyframe: null },
  ]
}

const filters = (picture: Picture, size: Size, { choose }: Moment, lacks: readonly string[]) => [
  ...choose,
  ...standardPicture(picture, size, 'yuv444p', lacks),
  'signalstats',
  'metadata=mode=print:file=pipe\\\\:1',
  // JPEG is full range BT.601 (JFIF).
  'scale=out_color_matrix=bt601:out_range=pc',
  'format=yuvj444p',
]

interface Source {
  input: { path: string; container: Container }
  /** Of the stream. */
  index: number
  options: string[]
}

/**
 * The keyframe before a moment in a file of its own. Out of the whole file ffmpeg would decode two or three before it hands
 * out the first, since it reads ahead and waits for what is to be shown earlier. Null where this does not go.
 */
async function takeKeyframe(
  run: RunFfmpeg,
  input: Source['input'],
  picture: Picture,
  { keyframe }: Moment,
  file: string,
  { scratch, signal, priority }: VideoWork,
): Promise<Source | null> {
  // What other containers hold does not all go into this one.
  if (keyframe === null || input.container !== 'mov') return null
  try {
    await run({
      input,
      inputOptions: ['-ss', keyframe.toFixed(3), '-noaccurate_seek'],
      // biome-ignore format: one option a line
      outputOptions: [
        '-map', `0:${picture.index}`, '-c', 'copy', '-frames:v', '1', '-map_metadata', '-1', '-map_chapters', '-1',
        '-write_tmcd', '0', '-avoid_negative_ts', 'make_zero', '-f', 'mov', `file:${file}`,
      ],
      scratch,
      limits: posterLimits(picture),
      priority,
      signal,
    })
    // Nothing but a file that this program wrote is shown to the next one.
    await sizeOfMade(file)
    return { input: { path: file, container: 'mov' }, index: 0, options: [] }
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (error instanceof CannotDecode || isAbsent) return null
    throw error
  }
}

/** Null when there was no frame. */
async function grab(
  run: RunFfmpeg,
  input: { path: string; container: Container },
  picture: Picture,
  inputOptions: string[],
  options: string[],
  file: string,
  { scratch, signal, priority }: VideoWork,
): Promise<Brightness | null> {
  const measured = new Map<string, number>()
  await run({
    input,
    inputOptions,
    // biome-ignore format: one option a line
    outputOptions: [
      ...options, '-frames:v', '1', '-map_metadata', '-1',
      '-c:v', 'mjpeg', '-q:v', '2', '-f', 'image2', '-update', '1', `file:${file}`,
    ],
    scratch,
    limits: posterLimits(picture),
    priority,
    signal,
    onLine(line) {
      const [, name, value] = /^lavfi\.signalstats\.(Y[A-Z]+)=([\d.]+)$/.exec(line) ?? []
      if (name !== undefined) measured.set(name, Number(value))
    },
  })
  const [mean, low, high] = ['YAVG', 'YLOW', 'YHIGH'].map((name) => measured.get(name))
  if (mean === undefined || low === undefined || high === undefined) return null
  // A frame can be measured and yet be dropped before it is written.
  return (await readdir(scratch)).includes(basename(file)) ? { mean, spread: high - low } : null
}
