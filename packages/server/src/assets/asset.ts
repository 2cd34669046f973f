/** An asset as the API shows it: the row, and signed URLs that stay the same within a time bucket. */

import type { Selectable } from 'kysely'
import { type Static, Type } from 'typebox'
import type { AssetTable } from '../engines/database/schema.ts'

export type AssetRow = Selectable<AssetTable>

export const AssetSchema = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    kind: Type.Union([Type.Literal('image'), Type.Literal('video')]),
    state: Type.Union([Type.Literal('processing'), Type.Literal('ready'), Type.Literal('failed')]),
    failure: Type.Union([Type.String(), Type.Null()], {
      description: 'Why it failed; null unless `state` is `failed`',
    }),
    filename: Type.String(),
    contentType: Type.String(),
    size: Type.Integer({ description: 'Bytes' }),
    sha256: Type.Union([Type.String(), Type.Null()], {
      description: '64 hexadecimal digits; null until the bytes were read back',
    }),
    width: Type.Union([Type.Integer(), Type.Null()], { description: 'Pixels, upright' }),
    height: Type.Union([Type.Integer(), Type.Null()]),
    duration: Type.Union([Type.Number(), Type.Null()], { description: 'Seconds' }),
    capturedAt: Type.String({ format: 'date-time' }),
    location: Type.Union([Type.Object({ latitude: Type.Number(), longitude: Type.Number() }), Type.Null()]),
    camera: Type.Union([Type.String(), Type.Null()]),
    thumbhash: Type.Union([Type.String(), Type.Null()], { description: 'Base64' }),
    favorite: Type.Boolean(),
    description: Type.Union([Type.String(), Type.Null()]),
    uploadedAt: Type.String({ format: 'date-time' }),
    trashedAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
    urls: Type.Object({
      original: Type.String(),
      thumb: Type.Union([Type.String(), Type.Null()]),
      small: Type.Union([Type.String(), Type.Null()]),
      preview: Type.Union([Type.String(), Type.Null()]),
      large: Type.Union([Type.String(), Type.Null()]),
      poster: Type.Union([Type.String(), Type.Null()]),
      hls: Type.Union([Type.String(), Type.Null()]),
    }),
  },
  { $id: 'Asset' },
)

export type Asset = Static<typeof AssetSchema>

/** Signs the URL under which an original is read. */
export type SignOriginal = (asset: Pick<AssetRow, 'object_key' | 'content_type' | 'filename'>) => Promise<string>

export async function presentAsset(row: AssetRow, signOriginal: SignOriginal): Promise<Asset> {
  return {
    id: row.id,
    kind: row.kind,
    state: row.state,
    failure: row.failure,
    filename: row.filename,
    contentType: row.content_type,
    size: row.size,
    sha256: row.sha256 === null ? null : Buffer.from(row.sha256).toString('hex'),
    width: row.width,
    height: row.height,
    duration: row.duration,
    capturedAt: row.captured_at.toISOString(),
    location:
      row.latitude === null || row.longitude === null ? null : { latitude: row.latitude, longitude: row.longitude },
    camera: row.camera,
    thumbhash: row.thumbhash === null ? null : Buffer.from(row.thumbhash).toString('base64'),
    favorite: row.favorite,
    description: row.description,
    uploadedAt: row.uploaded_at.toISOString(),
    trashedAt: row.trashed_at === null ? null : row.trashed_at.toISOString(),
    urls: {
      original: await signOriginal(row),
      thumb: null,
      small: null,
      preview: null,
      large: null,
      poster: null,
      hls: null,
    },
  }
}
