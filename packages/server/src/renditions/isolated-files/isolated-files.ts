/**
 * Reads and rewrites the metadata of files in a program of its own, started for one file: parsers of what strangers wrote
 * run nowhere else. Images are read by the program that decodes them anyway; this one is for videos, and for copies that
 * do not tell where they were taken.
 */
import { stat } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type Type from 'typebox'
import { Compile } from 'typebox/compile'
import type { Ending, Sandbox } from '../../engines/sandbox/sandbox.ts'
import { sizes } from '../../engines/sandbox/watch.ts'
import { Metadata } from '../image/answer.ts'
import { program } from '../image/program.ts'
import { CannotDecode, type MediaMetadata } from '../media.ts'

export interface FileRun {
  priority: 'interactive' | 'bulk'
  signal: AbortSignal
}

export interface IsolatedFiles {
  /** Null when it could not be read: then nothing is known of it, and it may tell anything. */
  videoMetadata(path: string, contentType: string, run: FileRun): Promise<MediaMetadata | null>
  /**
   * Writes a copy without any place to `output`, which lies in the folder `scratch`, and reads it again to be sure. Throws
   * `CannotDecode` when that cannot be done.
   */
  withoutLocation(
    path: string,
    contentType: string,
    copy: { output: string; scratch: string },
    run: FileRun,
  ): Promise<void>
}

const main = fileURLToPath(new URL('./program.ts', import.meta.url))
const limits = { memory: 2 * 2 ** 30, seconds: 120 }
/** Bytes of an answer; a few hundred in truth. */
const longestAnswer = 64 * 1024
/** Bytes that a copy may be longer than the original: what is blanked or taken out makes none longer by more. */
const longestGrowth = 16 << 20

const metadataAnswer = Compile(Metadata)

export function createIsolatedFiles({
  sandbox,
  log,
}: {
  sandbox: Sandbox
  log: { warn(fields: object, message: string): void }
}): IsolatedFiles {
  async function run(
    args: string[],
    files: { readable: string; scratch: string | null; size: number },
    { priority, signal }: FileRun,
  ): Promise<{ ending: Ending; answer: string; complaints: string }> {
    const { readable, scratch, size } = files
    const before = scratch === null ? 0 : (await sizes(scratch)).total
    signal.throwIfAborted()
    const child = sandbox.start({
      command: program.command,
      args: ['--max-old-space-size=512', main, ...args],
      readable: [...program.readable, readable],
      writable: scratch,
      limits: { ...limits, fileSize: size, folderSize: before + 2 * size },
      priority,
      signal,
    })
    child.stdin.on('error', () => undefined)
    child.stdin.end()
    const answer = collect(child.stdout, () => child.kill())
    const complaints = collect(child.stderr, () => child.kill())
    const ending = await child.ended
    signal.throwIfAborted()
    return { ending, answer: await answer, complaints: await complaints }
  }

  return {
    async videoMetadata(path, contentType, how) {
      const { ending, answer, complaints } = await run(
        ['metadata', path, contentType],
        { readable: path, scratch: null, size: 0 },
        how,
      )
      const metadata = parse(answer)
      if (ending.how === 'exit' && ending.code === 0 && metadata !== null) return metadata
      log.warn({ ending, complaints: complaints.slice(-2000) }, 'the metadata of a video could not be read')
      return null
    },

    async withoutLocation(path, contentType, { output, scratch }, how) {
      const { ending, complaints } = await run(
        ['without-location', path, contentType, output],
        { readable: path, scratch, size: (await stat(path)).size + longestGrowth },
        how,
      )
      if (ending.how === 'exit' && ending.code === 0) return
      throw new CannotDecode('unsupported', `No copy without a place could be made: ${complaints.trim().slice(-500)}`)
    },
  }
}

async function collect(stream: NodeJS.ReadableStream, tooLong: () => void): Promise<string> {
  let size = 0
  stream.on('data', (chunk: Uint8Array) => {
    size += chunk.length
    if (size > longestAnswer) tooLong()
  })
  return text(stream as AsyncIterable<Uint8Array> & NodeJS.ReadableStream).catch(() => '')
}

function parse(answer: string): MediaMetadata | null {
  try {
    const value: unknown = JSON.parse(answer)
    if (!metadataAnswer.Check(value)) return null
    const metadata: Type.Static<typeof Metadata> = value
    return { ...metadata, capturedAt: metadata.capturedAt === null ? null : new Date(metadata.capturedAt) }
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}
