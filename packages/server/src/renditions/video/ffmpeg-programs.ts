/**
 * Finds the ffmpeg of this machine and says what it can do. One that the system brings is preferred, since the system
 * also repairs it; else the one npm brought (`@ffmpeg-binary`, Linux on x64; see docs/decisions/0032-ffmpeg.md).
 */
import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { delimiter, dirname, isAbsolute, join } from 'node:path'
import { promisify } from 'node:util'

export interface FfmpegPrograms {
  /** Absolute path. */
  ffmpeg: string
  version: string
  origin: 'system' | 'npm'
  /** Parts this build came without, by their names in ffmpeg. */
  lacks: string[]
}

/** Older ones know no `-fps_mode`. A build that is no release (a snapshot) has no such number and is believed. */
const oldest = { major: 5, minor: 1 }

/** What everything here needs, each with what can take its place. */
const needed = {
  encoders: [['libx264'], ['aac'], ['mjpeg']],
  decoders: [['h264'], ['hevc'], ['vp9'], ['libdav1d', 'libaom-av1']],
  filters: [['zscale'], ['tonemap'], ['bwdif'], ['signalstats']],
} as const

/**
 * The first complete ffmpeg, or the least incomplete one; null when there is none, or only ones that are too old.
 * `searchPath` lists folders as the variable PATH does.
 */
export async function findFfmpeg(searchPath: string): Promise<FfmpegPrograms | null> {
  const found: FfmpegPrograms[] = []
  for (const candidate of [...systemCandidates(searchPath), ...npmCandidates()]) {
    const programs = await examine(candidate)
    if (programs?.lacks.length === 0) return programs
    if (programs !== null) found.push(programs)
  }
  return found.toSorted((a, b) => a.lacks.length - b.lacks.length)[0] ?? null
}

/** The sentence to show for what was found. */
export function describeFfmpeg(programs: FfmpegPrograms | null): string {
  if (programs === null) {
    return 'There is no ffmpeg 5.1 or later on this machine: videos are kept but not shown. Install ffmpeg and start again.'
  }
  const { ffmpeg, version, lacks } = programs
  const missing = lacks.length === 0 ? '' : `; it lacks ${lacks.join(', ')}, so some videos are kept but not shown`
  return `ffmpeg ${version} at ${ffmpeg}${missing}`
}

interface Candidate {
  path: string
  origin: FfmpegPrograms['origin']
}

const systemCandidates = (searchPath: string): Candidate[] =>
  searchPath
    .split(delimiter)
    // A relative folder would mean another program in every working directory.
    .filter(isAbsolute)
    .map((folder) => ({ path: join(folder, 'ffmpeg'), origin: 'system' }))

function npmCandidates(): Candidate[] {
  const require = createRequire(import.meta.url)
  try {
    const root = dirname(require.resolve(`@ffmpeg-binary/${process.platform}-${process.arch}/package.json`))
    return [{ path: join(root, 'ffmpeg'), origin: 'npm' }]
  } catch (error) {
    // An optional dependency: there is none for this platform, or it was left out.
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return []
    throw error
  }
}

async function examine({ path, origin }: Candidate): Promise<FfmpegPrograms | null> {
  try {
    await access(path, constants.X_OK)
    const [versionText, ...lists] = await Promise.all([
      ask(path, '-version'),
      ...Object.keys(needed).map((list) => ask(path, `-${list}`)),
    ])
    const version = /^ffmpeg version (\S+)/.exec(versionText)?.[1]
    if (version === undefined || isTooOld(version)) return null
    const lacks = Object.values(needed).flatMap((parts, index) => {
      // A line of a list is flags, name, explanation.
      const names = new Set((lists[index] ?? '').split('\n').map((line) => line.trim().split(/\s+/)[1]))
      return parts.filter((alternatives) => !alternatives.some((name) => names.has(name))).map(([name]) => name)
    })
    return { ffmpeg: path, version, origin, lacks }
  } catch {
    // Not there, not executable, or no ffmpeg (for another libc, say): then it is none, and the next is asked.
    return null
  }
}

const run = promisify(execFile)
const ask = async (path: string, question: string) =>
  (await run(path, ['-hide_banner', question], { timeout: 20_000, maxBuffer: 4 << 20 })).stdout

function isTooOld(version: string): boolean {
  const [, major, minor] = /^n?(\d+)\.(\d+)/.exec(version) ?? []
  if (major === undefined) return false
  return Number(major) < oldest.major || (Number(major) === oldest.major && Number(minor) < oldest.minor)
}
