/** An asset as the API shows it: the row, what was made of it, and URLs that stay the same within a time bucket. */
import type { Selectable } from 'kysely'
import { type Static, Type } from 'typebox'
import type { Deliverable } from '../delivery/index.ts'
import type { Db } from '../engines/database/database.ts'
import type { AssetTable } from '../engines/database/schema.ts'
import { findShown, type ShownRendition } from '../renditions/index.ts'

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
        original: Type.String(),
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

export interface PresenterDeps {
  db: Db
  /** Signs the URL of a file. */
  urlOf(file: Deliverable): Promise<string>
  /** The same for as long as a film is watched. */
  playUrlOf(file: Deliverable): Promise<string>
  /** Signs the URL of the playlist of an asset that has one. */
  playlistUrl(assetId: string): Promise<string>
}

export interface Presenter {
  one(row: AssetRow): Promise<Asset>
  /** With one query for all, and all URLs signed together. */
  all(rows: AssetRow[]): Promise<Asset[]>
}

export function createPresenter(deps: PresenterDeps): Presenter {
  const all = async (rows: AssetRow[]) => {
    // A row that nobody has changed since it was inserted has no renditions yet: the answer to an upload needs no look.
    const known = rows.filter((row) => row.version > 1).map((row) => row.id)
    const shown = await findShown(deps.db, known)
    return Promise.all(rows.map((row) => present(deps, row, shown.get(row.id) ?? [])))
  }
  return {
    all,
    async one(row) {
      const [asset] = await all([row])
      if (asset === undefined) throw new RangeError('One asset became none')
      return asset
    },
  }
}

async function present(deps: PresenterDeps, row: AssetRow, shown: ShownRendition[]): Promise<Asset> {
  return {
    id: row.id,
    kind: row.kind,
    state: row.state,
    failure: row.failure,
    processing: progressOf(row, shown),
    filename: row.filename,
    contentType: row.content_type,
    size: row.size,
    sha256: row.sha256 === null ? null : Buffer.from(row.sha256).toString('hex'),
    width: row.width,
    height: row.height,
    duration: row.duration,
    animated: row.animated,
    capturedAt: row.captured_at.toISOString(),
    capturedOffset: row.captured_offset,
    location:
      row.latitude === null || row.longitude === null ? null : { latitude: row.latitude, longitude: row.longitude },
    camera: row.camera,
    lens: row.lens,
    exposure: row.exposure,
    thumbhash: row.thumbhash === null ? null : Buffer.from(row.thumbhash).toString('base64'),
    favorite: row.favorite,
    description: row.description,
    uploadedAt: row.uploaded_at.toISOString(),
    trashedAt: row.trashed_at === null ? null : row.trashed_at.toISOString(),
    urls: await urlsOf(deps, row, shown),
  }
}

async function urlsOf(deps: PresenterDeps, row: AssetRow, shown: ShownRendition[]): Promise<Asset['urls']> {
  const signing =
    (urlOf: PresenterDeps['urlOf']) =>
    async (...names: string[]): Promise<string | null> => {
      for (const name of names) {
        const found = shown.find((rendition) => rendition.name === name)
        if (found !== undefined) return urlOf({ ...found, filename: null })
      }
      return null
    }
  const sign = signing(deps.urlOf)
  const hasAvif = shown.some(({ name }) => name === 'thumb-avif')
  const hasHls = shown.some(({ name }) => name.startsWith('hls-'))
  // All asked for before the first is awaited: signed together they cost a third.
  const [original, thumb, small, preview, large, avif, poster, video, hls, motion] = await Promise.all([
    deps.urlOf(row),
    sign('thumb'),
    sign('small', 'thumb'),
    sign('preview', 'small', 'thumb'),
    sign('large'),
    hasAvif
      ? Promise.all([
          sign('thumb-avif'),
          sign('small-avif', 'thumb-avif'),
          sign('preview-avif', 'small-avif', 'thumb-avif'),
          sign('large-avif'),
        ])
      : null,
    sign('poster'),
    signing(deps.playUrlOf)('video'),
    hasHls ? deps.playlistUrl(row.id) : null,
    sign('motion'),
  ])
  const asAvif = avif === null ? null : { thumb: avif[0], small: avif[1], preview: avif[2], large: avif[3] }
  return { original, thumb, small, preview, large, avif: asAvif, poster, video, hls, motion }
}

function progressOf(row: AssetRow, shown: ShownRendition[]): Asset['processing'] {
  if (row.state === 'failed' || (row.state === 'ready' && row.pending.length === 0)) return null
  const done = shown.map(({ name }) => name)
  const first = row.kind === 'image' ? ['thumb'] : ['poster', 'playback']
  const left = row.state === 'ready' || row.pending.length > 0 ? row.pending : first
  return { done, left: left.filter((name) => !done.includes(name)) }
}
