/** The shape of an asset in the API. */
import type { Selectable } from 'kysely'
import { type Static, Type } from 'typebox'
import type { AssetTable } from '../engines/database/schema.ts'

export type AssetRow = Selectable<AssetTable>

const OptionalUrl = Type.Union([Type.String(), Type.Null()])
const OptionalNumber = Type.Union([Type.Number(), Type.Null()])

const ExposureSchema = Type.Object({
  exposureTime: Type.Union([Type.Number(), Type.Null()], { description: 'Seconds' }),
  fNumber: OptionalNumber,
  iso: OptionalNumber,
  focalLength: Type.Union([Type.Number(), Type.Null()], { description: 'Millimetres, as written on the lens' }),
  focalLength35: Type.Union([Type.Number(), Type.Null()], { description: 'Millimetres on 35 mm film' }),
})

export const AssetSchema = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    kind: Type.Union([Type.Literal('image'), Type.Literal('video')]),
    state: Type.Union([Type.Literal('processing'), Type.Literal('ready'), Type.Literal('failed')]),
    failure: Type.Union([Type.String(), Type.Null()], {
      description: 'Why it failed; null unless `state` is `failed`. The original can be downloaded all the same',
    }),
    processing: Type.Union(
      [Type.Object({ done: Type.Array(Type.String()), left: Type.Array(Type.String()) }), Type.Null()],
      { description: 'What was made so far and what is still to come; null when nothing is' },
    ),
    filename: Type.String(),
    contentType: Type.String(),
    size: Type.Integer({ description: 'Bytes' }),
    sha256: Type.Union([Type.String(), Type.Null()], {
      description: '64 hexadecimal digits; null until the bytes were read back',
    }),
    width: Type.Union([Type.Integer(), Type.Null()], { description: 'Pixels, upright' }),
    height: Type.Union([Type.Integer(), Type.Null()]),
    duration: Type.Union([Type.Number(), Type.Null()], { description: 'Seconds' }),
    animated: Type.Boolean({ description: 'A picture that moves: its original does, what is made of it stands still' }),
    capturedAt: Type.String({ format: 'date-time' }),
    capturedOffset: Type.Union([Type.Integer(), Type.Null()], {
      description:
        'Minutes that the clock of the place was ahead of UTC; null when unknown, `capturedAt` is then that clock read as UTC',
    }),
    location: Type.Union([Type.Object({ latitude: Type.Number(), longitude: Type.Number() }), Type.Null()]),
    camera: Type.Union([Type.String(), Type.Null()]),
    lens: Type.Union([Type.String(), Type.Null()]),
    exposure: Type.Union([ExposureSchema, Type.Null()]),
    thumbhash: Type.Union([Type.String(), Type.Null()], { description: 'Base64' }),
    favorite: Type.Boolean(),
    description: Type.Union([Type.String(), Type.Null()]),
    uploadedAt: Type.String({ format: 'date-time' }),
    trashedAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
    urls: Type.Object(
      {
        original: Type.Union([Type.String(), Type.Null()], {
          description:
            'Never null for its owner. Others get a copy that does not tell where it was taken: null while there is none, and where downloads are off',
        }),
        thumb: Type.Union([Type.String(), Type.Null()], { description: '320 px on the long side, WebP' }),
        small: Type.Union([Type.String(), Type.Null()], { description: '720 px, or the largest there is below' }),
        preview: Type.Union([Type.String(), Type.Null()], { description: '1440 px, or the largest there is below' }),
        large: Type.Union([Type.String(), Type.Null()], { description: '2560 px; null when the original is smaller' }),
        avif: Type.Union(
          [
            Type.Object({ thumb: OptionalUrl, small: OptionalUrl, preview: OptionalUrl, large: OptionalUrl }),
            Type.Null(),
          ],
          { description: 'The same sizes as AVIF, where that is configured and made' },
        ),
        poster: Type.Union([Type.String(), Type.Null()], { description: 'A frame of a video' }),
        video: Type.Union([Type.String(), Type.Null()], { description: 'MP4 that plays everywhere, while it loads' }),
        hls: Type.Union([Type.String(), Type.Null()], { description: 'Playlist of a video in several sizes' }),
        motion: Type.Union([Type.String(), Type.Null()], { description: 'Video of a Live Photo or motion photo' }),
      },
      { description: 'Signed, the same within a time bucket, and dead some time after it' },
    ),
  },
  { $id: 'Asset' },
)

export type Asset = Static<typeof AssetSchema>
