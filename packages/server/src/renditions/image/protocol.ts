/**
 * What the server and a decoding program say to each other over a pair of pipes: a frame is the length of its head
 * (4 bytes, little endian), the head as JSON, and then as many bytes as the head announces. Nothing a program answers is
 * trusted: it may have been taken over by the file it read.
 */
import Type from 'typebox'
import { Compile } from 'typebox/compile'
import type { ImageSize } from '../media.ts'

export type ImageFormat = 'webp' | 'avif'

/** One piece of work; `size` bytes of the original follow. */
export interface Work {
  size: number
  /** As recorded for the upload. Only a hint: the program looks for itself. */
  contentType: string
  sizes: ImageSize[]
  formats: ImageFormat[]
  metadata: boolean
  /** Pixels that are decoded at most. */
  pixels: number
}

const dimension = Type.Integer({ minimum: 1, maximum: 10_000_000 })
const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])

const Exposure = Type.Object({
  exposureTime: nullable(Type.Number()),
  fNumber: nullable(Type.Number()),
  iso: nullable(Type.Number()),
  focalLength: nullable(Type.Number()),
  focalLength35: nullable(Type.Number()),
})

export const Metadata = Type.Object({
  /** Milliseconds of the epoch. */
  capturedAt: nullable(Type.Number({ minimum: -8.64e15, maximum: 8.64e15 })),
  offset: nullable(Type.Integer({ minimum: -1440, maximum: 1440 })),
  location: nullable(
    Type.Object({
      latitude: Type.Number({ minimum: -90, maximum: 90 }),
      longitude: Type.Number({ minimum: -180, maximum: 180 }),
    }),
  ),
  holdsLocation: Type.Boolean(),
  camera: nullable(Type.String({ maxLength: 1000 })),
  lens: nullable(Type.String({ maxLength: 1000 })),
  exposure: nullable(Exposure),
  contentIdentifier: nullable(Type.String({ maxLength: 1000 })),
  motion: nullable(Type.Object({ start: Type.Integer({ minimum: 0 }), length: Type.Integer({ minimum: 0 }) })),
})

const Image = Type.Object({
  name: Type.String({ pattern: '^[a-z0-9]+(-[a-z0-9]+)*$' }),
  contentType: Type.Union([Type.Literal('image/webp'), Type.Literal('image/avif')]),
  width: dimension,
  height: dimension,
  /** Bytes; they follow the head in the order of this list. */
  size: Type.Integer({ minimum: 1 }),
})

/** Told of every original, also of one that cannot be shown. */
const description = {
  metadata: nullable(Metadata),
  /** Why the metadata could not be read, for the log. */
  metadataError: nullable(Type.String({ maxLength: 4000 })),
  /** Bytes the program holds now. */
  memory: Type.Integer({ minimum: 0 }),
}
export type Description = Type.Static<Type.TObject<typeof description>>

const Answer = Type.Union([
  /** Said once, when the program has loaded what it needs. */
  Type.Object({ outcome: Type.Literal('ready') }),
  Type.Object({
    outcome: Type.Literal('decoded'),
    width: dimension,
    height: dimension,
    animated: Type.Boolean(),
    /** Base64: some 25 bytes. */
    thumbhash: Type.String({ maxLength: 100 }),
    images: Type.Array(Image, { maxItems: 16 }),
    ...description,
  }),
  Type.Object({
    outcome: Type.Literal('refused'),
    reason: Type.Union([Type.Literal('undecodable'), Type.Literal('unsupported'), Type.Literal('too-large')]),
    message: Type.String({ maxLength: 4000 }),
    ...description,
  }),
])

export type Answer = Type.Static<typeof Answer>
export type Decoded = Extract<Answer, { outcome: 'decoded' }>
export type Refused = Extract<Answer, { outcome: 'refused' }>

const answer = Compile(Answer)

/** Throws when the head is none that an honest program sends. */
export function parseAnswer(head: unknown): Answer {
  if (!answer.Check(head)) throw new Error('The decoding program answered nonsense')
  return head
}

/** Longest head, bytes. */
export const headLimit = 256 * 1024

/** A head with its length before it. The bytes it announces are written after it, as they are. */
export function frameHead(head: Work | Answer): Buffer {
  const json = Buffer.from(JSON.stringify(head))
  const frame = Buffer.allocUnsafe(4 + json.length)
  frame.writeUInt32LE(json.length, 0)
  json.copy(frame, 4)
  return frame
}

export interface FrameReader {
  /** The head of the next frame; null at the end of the stream. */
  head(): Promise<unknown>
  /** Exactly so many bytes, in memory of their own. */
  bytes(size: number): Promise<Buffer>
}

/** Reads frames from a stream of chunks; throws when it ends in the middle of one. */
export function readFrames(chunks: AsyncIterable<Buffer>): FrameReader {
  const iterator = chunks[Symbol.asyncIterator]()
  let rest: Buffer = Buffer.alloc(0)

  async function bytes(size: number): Promise<Buffer> {
    const whole = Buffer.allocUnsafeSlow(size)
    let filled = 0
    while (true) {
      const taken = Math.min(rest.length, size - filled)
      rest.copy(whole, filled, 0, taken)
      rest = rest.subarray(taken)
      filled += taken
      if (filled === size) return whole
      const next = await iterator.next()
      if (next.done === true) throw new Error('The stream ended within a frame')
      rest = next.value
    }
  }

  return {
    bytes,
    async head() {
      while (rest.length === 0) {
        const next = await iterator.next()
        if (next.done === true) return null
        rest = next.value
      }
      const length = (await bytes(4)).readUInt32LE()
      if (length > headLimit) throw new Error(`A head of ${length} bytes`)
      return JSON.parse((await bytes(length)).toString('utf8'))
    },
  }
}
