/**
 * What a decoding program may answer. Nothing of it is trusted: the program may have been taken over by the file it read.
 * Only the server checks, so that a program starts without the checker.
 */
import Type from 'typebox'
import { Compile } from 'typebox/compile'

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
