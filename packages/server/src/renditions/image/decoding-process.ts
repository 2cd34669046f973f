/** The server's side of one decoding program: gives it one piece of work at a time and hears how it ended. */
import type { Readable, Writable } from 'node:stream'
import type { Ending, IsolatedProcess, Sandbox } from '../../engines/sandbox/sandbox.ts'
import { type Decoded, parseAnswer, type Refused } from './answer.ts'
import { program } from './program.ts'
import { frameHead, readFrames, type Work } from './protocol.ts'

/** How a piece of work went. After all but `decoded` and `refused` the program is gone. */
export type Outcome =
  | { how: 'decoded'; answer: Decoded; images: Uint8Array[] }
  | { how: 'refused'; answer: Refused }
  | { how: 'over-time'; message: string }
  /** Or ended by the kernel, which does the same when the machine has none left. */
  | { how: 'over-memory'; message: string }
  /** It died, or answered what it never should. */
  | { how: 'died'; message: string }
  /** The bytes could not be brought; nothing is known of the picture. */
  | { how: 'source-failed'; cause: unknown }
  | { how: 'aborted' }

export interface DecodingProcess {
  /** Pieces of work done. */
  readonly done: number
  /** Bytes it held after its last piece of work. */
  readonly memory: number
  readonly ended: Promise<Ending>
  /** Never rejects. */
  work(work: Work, open: () => Promise<Readable>, signal?: AbortSignal): Promise<Outcome>
  kill(): void
}

export interface ProcessLimits {
  /** Bytes of memory. */
  memory: number
  /** Seconds for one picture once its bytes are there, and for any of them to come. */
  seconds: number
  /** Bytes of all renditions of one original. */
  output: number
}

/** A machine under load takes its time to load a program. */
const startSeconds = 30

/** Throws when the program does not come up: that is the machine's fault, and no picture's. */
export async function startDecodingProcess(
  sandbox: Sandbox,
  priority: 'interactive' | 'bulk',
  limits: ProcessLimits,
): Promise<DecodingProcess> {
  const child = sandbox.start({
    ...program,
    writable: null,
    limits: { memory: limits.memory, seconds: null, fileSize: 0 },
    priority,
  })
  const complaints = listen(child)
  // Its end says more than the broken pipe.
  child.stdin.on('error', () => child.kill())
  // What a dead program had still to say is not wanted, and unread it would stay for ever.
  void child.ended.then(() => child.stdout.destroy())
  const frames = readFrames(child.stdout)
  try {
    const greeting = parseAnswer(await within(startSeconds, frames.head()))
    if (greeting.outcome !== 'ready') throw new Error('The image decoder did not greet')
  } catch (cause) {
    child.kill()
    const ending = await child.ended
    throw new Error(`The image decoder did not start. ${describe(ending)}. ${complaints()}`, { cause })
  }

  let done = 0
  let memory = 0

  async function hearAnswer(work: Work): Promise<Outcome> {
    const answer = parseAnswer(await frames.head())
    if (answer.outcome === 'ready') throw new Error('The image decoder greeted twice')
    done += 1
    memory = answer.memory
    if (answer.outcome === 'refused') return { how: 'refused', answer }
    assertAskedFor(answer, work)
    const total = answer.images.reduce((sum, image) => sum + image.size, 0)
    if (total > limits.output) throw new Error(`The image decoder announced ${total} bytes`)
    const images: Uint8Array[] = []
    for (const image of answer.images) images.push(await frames.bytes(image.size))
    return { how: 'decoded', answer, images }
  }

  return {
    get done() {
      return done
    },
    get memory() {
      return memory
    },
    ended: child.ended,
    kill: () => child.kill(),

    async work(work, open, signal) {
      let lateIs: 'source' | 'program' | null = null
      let waitingFor: 'source' | 'program' = 'source'
      const timer = setTimeout(() => {
        lateIs = waitingFor
        child.kill()
      }, limits.seconds * 1000)
      const abort = () => child.kill()
      signal?.addEventListener('abort', abort, { once: true })

      // A program that is gone needs no more bytes, and nobody should wait for them.
      let source: Readable | undefined
      let isOver = false
      const gone = child.ended.then(() => {
        isOver = true
        source?.destroy()
      })
      try {
        signal?.throwIfAborted()
        const opening = open().then((opened) => {
          source = opened
          if (isOver) opened.destroy()
          return opened
        })
        opening.catch(() => undefined)
        const body = await Promise.race([opening.catch(failSource), gone])
        if (body === undefined) throw new Error('The image decoder ended before it began')
        await give(child.stdin, frameHead(work))
        let given = 0
        for await (const chunk of reading(body)) {
          given += chunk.length
          if (given > work.size) break
          waitingFor = 'program'
          await give(child.stdin, chunk)
          waitingFor = 'source'
          timer.refresh()
        }
        if (given !== work.size) failSource(new Error(`The original has not the ${work.size} bytes it should have`))
        waitingFor = 'program'
        return await hearAnswer(work)
      } catch (cause) {
        const endedByItself = isOver && lateIs === null
        child.kill()
        const ending = await child.ended
        if (signal?.aborted === true) return { how: 'aborted' }
        if (lateIs === 'source')
          return { how: 'source-failed', cause: new Error(`The original did not come within ${limits.seconds} s`) }
        if (lateIs === 'program' || ending.how === 'time')
          return { how: 'over-time', message: `Decoding took more than ${limits.seconds} s` }
        if (cause instanceof SourceFailed && !endedByItself) return { how: 'source-failed', cause: cause.cause }
        if (ending.how === 'memory') return { how: 'over-memory', message: 'Decoding took more memory than it may' }
        return { how: 'died', message: `${describe(ending)}, ${String(cause)}. ${complaints()}`.trim() }
      } finally {
        isOver = true
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
        source?.destroy()
      }
    },
  }
}

/**
 * A program that was taken over could name its pictures as it likes, and have one stored as the copy for others or as a
 * video. Throws when there is one that nobody asked for, or one twice.
 */
function assertAskedFor({ images }: Decoded, { sizes, formats }: Work): void {
  const left = new Set(
    sizes.flatMap((size) =>
      formats.map((format) => `${format === 'webp' ? size : `${size}-${format}`} image/${format}`),
    ),
  )
  for (const { name, contentType } of images) {
    if (!left.delete(`${name} ${contentType}`)) throw new Error(`Nobody asked the image decoder for ${name}`)
  }
}

/** Resolves when the program can take more. Throws when it never will. */
async function give(stdin: Writable, chunk: Uint8Array): Promise<void> {
  if (stdin.destroyed) throw new Error('The image decoder ended while it read')
  if (stdin.write(chunk)) return
  await new Promise<void>((resolve) => {
    const go = () => {
      stdin.off('drain', go).off('close', go)
      resolve()
    }
    stdin.on('drain', go).on('close', go)
  })
}

/** The original could not be read: whoever stores it is at fault, not the picture. */
class SourceFailed extends Error {
  constructor(cause: unknown) {
    super('The original could not be read', { cause })
    this.name = 'SourceFailed'
  }
}

function failSource(cause: unknown): never {
  throw new SourceFailed(cause)
}

/** The chunks of a source, whose errors are told apart from those of the program that they are given to. */
async function* reading(source: Readable): AsyncGenerator<Uint8Array> {
  const chunks: AsyncIterator<Uint8Array> = source[Symbol.asyncIterator]()
  while (true) {
    const next = await chunks.next().catch(failSource)
    if (next.done === true) return
    yield next.value
  }
}

/** The end of what the program wrote to standard error. */
function listen(child: IsolatedProcess): () => string {
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000)
  })
  return () => said.trim()
}

function describe(ending: Ending): string {
  switch (ending.how) {
    case 'exit':
      return `It exited with ${ending.code}`
    case 'crashed':
      return `It was ended by ${ending.signal}`
    case 'not-started':
      return ending.message
    default:
      return `It ended by ${ending.how}`
  }
}

async function within<T>(seconds: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`No answer within ${seconds} s`)), seconds * 1000)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
