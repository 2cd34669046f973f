/**
 * The decoding program: reads originals from standard input, one after the other, and writes renditions to standard
 * output. It opens no file but its own code. It runs inside the sandbox and is expected to be killed at any moment.
 */
import { Console } from 'node:console'
import { CannotDecode } from '../../media.ts'
import { readImageMetadata } from '../../metadata/index.ts'
import type { Answer, Description } from '../answer.ts'
import { type FrameReader, frameHead, readFrames, type Work } from '../protocol.ts'
import { prepareSharp } from './open-sharp.ts'
import { decodeImage } from './work.ts'

// Decoders print what they find odd. Standard output belongs to the answers.
globalThis.console = new Console(process.stderr)

async function write(...chunks: Uint8Array[]): Promise<void> {
  for (const chunk of chunks) {
    if (!process.stdout.write(chunk)) await new Promise((resolve) => process.stdout.once('drain', resolve))
  }
}

async function serve(input: FrameReader): Promise<void> {
  await write(frameHead({ outcome: 'ready' }))
  while (true) {
    const work = (await input.head()) as Work | null
    if (work === null) return
    await write(...(await answer(await input.bytes(work.size), work)))
  }
}

async function answer(bytes: Buffer, work: Work): Promise<Uint8Array[]> {
  const described = await describe(bytes, work)
  const description = () => ({ ...described, memory: process.memoryUsage.rss() })
  try {
    const { images, thumbhash, ...result } = await decodeImage(bytes, work)
    const decoded: Answer = {
      outcome: 'decoded',
      ...result,
      thumbhash: Buffer.from(thumbhash).toString('base64'),
      images: images.map(({ bytes: made, ...image }) => ({ ...image, size: made.length })),
      ...description(),
    }
    return [frameHead(decoded), ...images.map(({ bytes: made }) => made)]
  } catch (error) {
    // What a decoder throws it throws again for the same bytes.
    const reason = error instanceof CannotDecode && error.reason !== 'decoder-missing' ? error.reason : 'undecodable'
    const message = (error instanceof Error ? error.message : String(error)).slice(0, 2000)
    return [frameHead({ outcome: 'refused', reason, message, ...description() })]
  }
}

/** A picture whose metadata cannot be read is still shown. */
async function describe(bytes: Buffer, work: Work): Promise<Omit<Description, 'memory'>> {
  if (!work.metadata) return { metadata: null, metadataError: null }
  try {
    const metadata = await readImageMetadata(bytes, work.contentType)
    return { metadata: { ...metadata, capturedAt: metadata.capturedAt?.getTime() ?? null }, metadataError: null }
  } catch (error) {
    return { metadata: null, metadataError: String(error).slice(0, 2000) }
  }
}

prepareSharp()
await serve(readFrames(process.stdin))
