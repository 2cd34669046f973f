/**
 * Runs ffmpeg on a stranger's file, isolated, with everything closed that it would open by itself, and says of its end
 * what the rest of the program needs to know: done, will never work, or worth another try.
 */

import type { Readable } from 'node:stream'
import { text as readText } from 'node:stream/consumers'
import type { Ending, IsolatedProgram, Sandbox, SandboxLimits } from '../../engines/sandbox/sandbox.ts'
import { sizes } from '../../engines/sandbox/watch.ts'
import { CannotDecode } from '../media.ts'
import type { FfmpegPrograms } from './ffmpeg-programs.ts'
import { type Container, decoderWhitelist, demuxerOf } from './formats.ts'

/** A piece of work on one video. */
export interface VideoWork {
  /** Folder of the job, for what is made. */
  scratch: string
  signal: AbortSignal
  priority: IsolatedProgram['priority']
}

export interface FfmpegTask {
  input: { path: string; container: Container }
  /** Where in the file to begin and what to skip; before `-i`. */
  inputOptions?: string[]
  /** Filters, codecs and the output. */
  outputOptions: string[]
  /** Null when it writes no file. */
  scratch: string | null
  limits: SandboxLimits
  priority: IsolatedProgram['priority']
  signal: AbortSignal
  /** Each line of standard output, the overlong ones left out. */
  onLine?(line: string): void
}

export interface RunFfmpeg {
  /** What ffmpeg printed about it. Throws `CannotDecode`, or another error when trying again may help. */
  (task: FfmpegTask): Promise<{ messages: string }>
  /** The build's missing parts, by ffmpeg's names. */
  lacks: readonly string[]
}

/** Messages beyond this are of no use to anybody, and a hostile file can cause gigabytes of them. */
const maxMessages = 1 << 20

/** Characters of a line that is read; those of `-progress` and of filters have some dozens. */
const longestLine = 4_096

/** Bytes that a folder may grow by besides the one file: the playlist, and what a file system reserves ahead. */
const besides = 64 << 20

export function createRunFfmpeg({
  sandbox,
  programs,
  threads,
}: {
  sandbox: Sandbox
  programs: FfmpegPrograms
  threads: number
}): RunFfmpeg {
  const run = async (task: FfmpegTask) => {
    const { input, scratch, limits, priority, signal, onLine } = task
    signal.throwIfAborted()
    const demuxer = demuxerOf(input.container)
    // The bound of one file alone would let a program that was taken over fill the disk with many.
    const folderSize = scratch === null ? 0 : (await sizes(scratch)).total + 2 * limits.fileSize + besides
    const program = sandbox.start({
      command: programs.ffmpeg,
      // biome-ignore format: one option a line
      args: [
        '-nostdin', '-hide_banner', '-nostats', '-y',
        '-filter_threads', String(threads),
        '-protocol_whitelist', 'file',
        '-f', demuxer.option,
        '-format_whitelist', demuxer.name,
        '-codec_whitelist', decoderWhitelist,
        '-threads', String(threads),
        ...(task.inputOptions ?? []),
        // With its protocol, so that no name of a file can be taken for an option or for another protocol.
        '-i', `file:${input.path}`,
        '-threads', String(threads),
        ...task.outputOptions,
      ],
      readable: [input.path],
      writable: scratch,
      limits: { folderSize, ...limits },
      priority,
      signal,
    })
    program.stdin.on('error', ignore).end()
    const [ending, messages] = await Promise.all([
      program.ended,
      readStart(program.stderr),
      onLine === undefined ? readStart(program.stdout) : readLines(program.stdout, onLine),
    ])
    if (ending.how === 'exit' && ending.code === 0) return { messages }
    signal.throwIfAborted()
    throw failure(ending, messages)
  }
  return Object.assign(run, { lacks: programs.lacks })
}

/** A program that died does not read what it is sent; its ending tells why. */
const ignore = () => undefined

/** Holds no more than one line, however much comes without an end of line. */
async function readLines(stream: Readable, onLine: (line: string) => void): Promise<void> {
  let rest = ''
  for await (const text of stream.setEncoding('utf8')) {
    const lines = `${rest}${text}`.split('\n')
    rest = (lines.pop() ?? '').slice(0, longestLine)
    for (const line of lines) if (line.length < longestLine) onLine(line.trimEnd())
  }
  if (rest !== '') onLine(rest)
}

/** The start of a stream; the rest is read too, so that the program never waits for a reader. */
async function readStart(stream: Readable): Promise<string> {
  let room = maxMessages
  return readText(
    stream.map((chunk: Buffer) => {
      const kept = chunk.subarray(0, room)
      room -= kept.length
      return kept
    }),
  )
}

/** ffmpeg chose to exit, but the machine was to blame. (It says "Input/output error" of truncated files, too.) */
const machineToBlame = /No space left on device|Too many open files|Permission denied/

/** Signals of a program that a file made stumble. Others come from outside and say nothing of the file. */
const stumbles = new Set(['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGTRAP'])

function failure(ending: Ending, messages: string): Error {
  const cause = new Error(messages.trimEnd().split('\n').slice(-5).join('\n'))
  switch (ending.how) {
    case 'memory':
      return new CannotDecode('too-large', 'Decoding this video takes more memory than one file may use.', cause)
    case 'time':
      return new CannotDecode('too-large', 'Decoding this video takes longer than one file may take.', cause)
    case 'file-size':
      return new CannotDecode('too-large', 'What was made of this video grew larger than it may.', cause)
    case 'not-started':
      return new Error(`ffmpeg could not be started: ${ending.message}`)
    case 'aborted':
      return new Error('ffmpeg was ended before it was done.', { cause })
    case 'crashed':
      return stumbles.has(ending.signal)
        ? new CannotDecode('undecodable', 'This video is damaged.', cause)
        : new Error(`ffmpeg was ended by ${ending.signal}.`, { cause })
    case 'exit':
      return machineToBlame.test(messages)
        ? new Error('ffmpeg could not read or write its files.', { cause })
        : new CannotDecode('undecodable', 'This video is damaged or incomplete.', cause)
  }
}
