/**
 * Turns original pictures into renditions in programs of their own, so that a hostile or broken file can at worst cost one
 * program. What somebody waits for and what comes in bulk have separate programs: the first never queues behind the
 * second, and the second gives way on the processor.
 */
import type { Readable } from 'node:stream'
import type { Sandbox } from '../../engines/sandbox/sandbox.ts'
import { CannotDecode, type ImageSize, type MadeImage, type MediaMetadata, type Undecodable } from '../media.ts'
import type { Decoded, Description } from './answer.ts'
import { type DecodingProcess, type Outcome, startDecodingProcess } from './decoding-process.ts'
import { createPool, type Pool } from './pool.ts'
import type { ImageFormat, Work } from './protocol.ts'

export interface ImageSource {
  /** Bytes. */
  size: number
  contentType: string
  /** Gives the bytes. Called once, and a second time when the program died over them. */
  open(): Promise<Readable>
}

export interface ImageWanted {
  /** Which of these are made is decided by `planSizes`. */
  sizes: ImageSize[]
  /** WebP when left out. Other formats' renditions carry their name: `preview-avif`. */
  formats?: ImageFormat[]
  metadata: boolean
  priority: 'interactive' | 'bulk'
  /** Ends the work, and throws the signal's reason. */
  signal?: AbortSignal
}

export interface DecodedImage {
  /** Upright. */
  width: number
  height: number
  /** The original moves; the renditions show its first picture. */
  animated: boolean
  thumbhash: Uint8Array
  images: MadeImage[]
  /** Null when it was not asked for, or could not be read. */
  metadata: MediaMetadata | null
}

/** An original that cannot be shown, and may tell of itself all the same: when a RAW file was taken, and where. */
export class CannotDecodeImage extends CannotDecode {
  readonly metadata: MediaMetadata | null

  constructor(reason: Undecodable, message: string, metadata: MediaMetadata | null) {
    super(reason, message)
    this.name = 'CannotDecodeImage'
    this.metadata = metadata
  }
}

export interface ImageDecoder {
  /**
   * Decodes an original once and makes everything asked for. Waits while all programs are busy. Throws `CannotDecode` for
   * what will be the same next time, as `CannotDecodeImage` where the file was read; what `open` throws, as it is; anything else is worth another try.
   */
  decode(source: ImageSource, wanted: ImageWanted): Promise<DecodedImage>
  /** Ends all programs; work under way fails. */
  close(): Promise<void>
}

export interface ImageLimits {
  /** Bytes of memory of one program. */
  memory: number
  /** Seconds for one picture once its bytes are there; and for each of them to come, which is no fault of the picture. */
  seconds: number
  /** Bytes of an original, which is held in memory. */
  input: number
  /** Bytes of all renditions of one original. */
  output: number
  /** Pixels of an original. */
  pixels: number
  /** Pictures one program decodes before it is replaced. */
  pictures: number
  /** Seconds without work after which a program ends. */
  idle: number
}

export const imageLimits: ImageLimits = {
  memory: 1.5 * 2 ** 30,
  seconds: 120,
  input: 512 * 2 ** 20,
  output: 64 * 2 ** 20,
  pixels: 0x3fff ** 2,
  pictures: 200,
  idle: 60,
}

export interface ImageDecoderParts {
  sandbox: Sandbox
  /** Programs at once of each priority. One per core keeps the machine busy. */
  processes: number
  log?: { warn(details: object, message: string): void }
  limits?: Partial<ImageLimits>
}

export function createImageDecoder({ sandbox, processes, log, limits: changed }: ImageDecoderParts): ImageDecoder {
  const limits = { ...imageLimits, ...changed }
  const poolOf = (priority: ImageWanted['priority']) =>
    createPool(() => startDecodingProcess(sandbox, priority, limits), {
      places: processes,
      pictures: limits.pictures,
      memory: limits.memory / 2,
      idle: limits.idle,
    })
  const pools: Record<ImageWanted['priority'], Pool> = { interactive: poolOf('interactive'), bulk: poolOf('bulk') }

  /** One attempt, in a program that is not used again unless it is well. */
  function attempt(source: ImageSource, work: Work, wanted: ImageWanted): Promise<Outcome> {
    return pools[wanted.priority].use(async (process: DecodingProcess) => {
      const result = await process.work(work, source.open, wanted.signal)
      return { result, reusable: result.how === 'decoded' || result.how === 'refused' }
    }, wanted.signal)
  }

  function read({ metadata, metadataError }: Description): MediaMetadata | null {
    if (metadataError !== null) log?.warn({ reason: metadataError }, 'The metadata of a picture could not be read')
    if (metadata === null) return null
    return { ...metadata, capturedAt: metadata.capturedAt === null ? null : new Date(metadata.capturedAt) }
  }

  return {
    async decode(source, wanted) {
      if (source.size > limits.input)
        throw new CannotDecode('too-large', `${source.size} bytes are more than a picture may have`)
      const work: Work = {
        size: source.size,
        contentType: source.contentType,
        sizes: wanted.sizes,
        formats: wanted.formats ?? ['webp'],
        metadata: wanted.metadata,
        pixels: limits.pixels,
      }
      let outcome = await attempt(source, work, wanted)
      if (outcome.how === 'died' || outcome.how === 'over-memory') {
        // It may have been ended from outside, or by what earlier pictures left in it.
        log?.warn({ reason: outcome.message, contentType: source.contentType }, 'An image decoder died')
        outcome = await attempt(source, work, wanted)
      }
      switch (outcome.how) {
        case 'decoded':
          return toDecodedImage(outcome.answer, outcome.images, read(outcome.answer))
        case 'refused':
          throw new CannotDecodeImage(outcome.answer.reason, outcome.answer.message, read(outcome.answer))
        case 'over-time':
        case 'over-memory':
          throw new CannotDecode('too-large', outcome.message)
        case 'died':
          throw new CannotDecode('undecodable', `The decoder died twice over it: ${outcome.message}`)
        case 'source-failed':
          throw outcome.cause
        case 'aborted':
          throw wanted.signal?.reason
      }
    },

    async close() {
      await Promise.all([pools.interactive.close(), pools.bulk.close()])
    },
  }
}

function toDecodedImage(answer: Decoded, bytes: Uint8Array[], metadata: MediaMetadata | null): DecodedImage {
  const { width, height, animated, thumbhash, images } = answer
  return {
    width,
    height,
    animated,
    thumbhash: new Uint8Array(Buffer.from(thumbhash, 'base64')),
    images: images.map(({ size: _, ...image }, index) => ({ ...image, bytes: bytes[index] ?? new Uint8Array() })),
    metadata,
  }
}
