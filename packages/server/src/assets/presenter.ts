/**
 * An asset as its owner and as others are shown it: the row, what was made of it, and URLs that stay the same within a time
 * bucket. Others are members of an album and visitors of a link: what they see of a place, and whether they get originals,
 * is said by whoever asks; what is the owner's own affair is left out here, so that no route can forget it.
 */
import type { Deliverable } from '../delivery/index.ts'
import type { Db } from '../engines/database/database.ts'
import type { Jobs } from '../engines/jobs/jobs.ts'
import {
  type FileForOthers,
  findShown,
  originalsForOthers,
  requestShareable,
  type ShownRendition,
} from '../renditions/index.ts'
import type { Asset, AssetRow } from './asset.ts'

/** Signs the URLs of an asset. */
export interface AssetUrls {
  /** Of a file. */
  urlOf(file: Deliverable): Promise<string>
  /** The same for as long as a film is watched. */
  playUrlOf(file: Deliverable): Promise<string>
  /** Of the playlist of an asset that has one. */
  playlistUrl(assetId: string): Promise<string>
}

export interface PresenterDeps extends AssetUrls {
  db: Db
  jobs: Jobs
  now: () => Date
}

export interface OthersView {
  /** Whether they are told where it was taken, by the asset and by its original. */
  location: boolean
  /** Whether they may have originals: as they are where the location is shared, else copies without it. */
  originals: boolean
  /** Signs for these others; the URLs that owners get when absent. */
  urls?: AssetUrls
}

export interface Presenter {
  one(row: AssetRow): Promise<Asset>
  /** With one query for all, and all URLs signed together. */
  all(rows: AssetRow[]): Promise<Asset[]>
  /**
   * For people who do not own them, with two queries. Has the copies made that are missing, so that a later answer has
   * them. Whether these people may see the assets is for the caller to know.
   */
  forOthers(rows: AssetRow[], view: OthersView): Promise<Asset[]>
  /**
   * The files that such people may download, by asset, as far as there are any: as they are where the location is shared,
   * else copies without it, of which those that are missing are made.
   */
  originalsForOthers(rows: OriginalRow[], view: { location: boolean }): Promise<Map<string, FileForOthers>>
}

/** What is asked of an asset to know its original. */
export type OriginalRow = Pick<
  AssetRow,
  'id' | 'state' | 'holds_location' | 'object_key' | 'content_type' | 'filename' | 'size'
>

/** Seconds after which a copy that is still missing is asked for again; of some files none can be made. */
const askAgain = 3600
const mostRemembered = 50_000

export function createPresenter(deps: PresenterDeps): Presenter {
  const asked = new Map<string, number>()

  const all = async (rows: AssetRow[]) => {
    const shown = await findRenditions(deps.db, rows)
    return Promise.all(rows.map((row) => present(deps, row, shown.get(row.id) ?? [], row)))
  }

  async function requestCopies(rows: OriginalRow[]): Promise<void> {
    const at = deps.now().getTime()
    const missing = rows.filter(
      ({ id, state }) => state !== 'processing' && (asked.get(id) ?? 0) < at - askAgain * 1000,
    )
    if (missing.length === 0) return
    if (asked.size + missing.length > mostRemembered) asked.clear()
    for (const { id } of missing) asked.set(id, at)
    await requestShareable(
      deps.jobs,
      deps.db,
      missing.map(({ id }) => id),
    )
  }

  async function originals(rows: OriginalRow[], { location }: { location: boolean }) {
    if (location) return new Map(rows.map((row) => [row.id, row]))
    const copies = await originalsForOthers(deps.db, rows)
    await requestCopies(rows.filter(({ id }) => !copies.has(id)))
    return copies
  }

  return {
    all,
    originalsForOthers: originals,
    async one(row) {
      const [asset] = await all([row])
      if (asset === undefined) throw new RangeError('One asset became none')
      return asset
    },
    async forOthers(rows, { location, originals: given, urls = deps }) {
      const [shown, files] = await Promise.all([
        findRenditions(deps.db, rows),
        given ? originals(rows, { location }) : new Map<string, FileForOthers>(),
      ])
      return Promise.all(
        rows.map((row) => {
          const made = (shown.get(row.id) ?? []).filter(({ untouched }) => !untouched)
          return present(urls, withoutPrivate(row, location), made, files.get(row.id) ?? null)
        }),
      )
    },
  }
}

/** A row that nobody has changed since it was inserted has no renditions yet: the answer to an upload needs no look. */
function findRenditions(db: Db, rows: AssetRow[]): Promise<Map<string, ShownRendition[]>> {
  return findShown(
    db,
    rows.filter((row) => row.version > 1).map((row) => row.id),
  )
}

function withoutPrivate(row: AssetRow, location: boolean): AssetRow {
  return {
    ...row,
    sha256: null,
    favorite: false,
    trashed_at: null,
    ...(location ? {} : { latitude: null, longitude: null }),
  }
}

/** `original`: the file given as such, null for none. */
async function present(
  urls: AssetUrls,
  row: AssetRow,
  shown: ShownRendition[],
  original: Deliverable | null,
): Promise<Asset> {
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
    urls: await urlsOf(urls, row.id, shown, original),
  }
}

async function urlsOf(
  urls: AssetUrls,
  assetId: string,
  shown: ShownRendition[],
  original: Deliverable | null,
): Promise<Asset['urls']> {
  const signing =
    (urlOf: AssetUrls['urlOf']) =>
    async (...names: string[]): Promise<string | null> => {
      for (const name of names) {
        const found = shown.find((rendition) => rendition.name === name)
        if (found !== undefined) return urlOf({ ...found, filename: null })
      }
      return null
    }
  const sign = signing(urls.urlOf)
  const hasAvif = shown.some(({ name }) => name === 'thumb-avif')
  const hasHls = shown.some(({ name }) => name.startsWith('hls-'))
  // All asked for before the first is awaited: signed together they cost a third.
  const [originalUrl, thumb, small, preview, large, avif, poster, video, hls, motion] = await Promise.all([
    original === null ? null : urls.urlOf(original),
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
    signing(urls.playUrlOf)('video'),
    hasHls ? urls.playlistUrl(assetId) : null,
    sign('motion'),
  ])
  const asAvif = avif === null ? null : { thumb: avif[0], small: avif[1], preview: avif[2], large: avif[3] }
  return { original: originalUrl, thumb, small, preview, large, avif: asAvif, poster, video, hls, motion }
}

function progressOf(row: AssetRow, shown: ShownRendition[]): Asset['processing'] {
  if (row.state === 'failed' || (row.state === 'ready' && row.pending.length === 0)) return null
  const done = shown.map(({ name }) => name)
  const first = row.kind === 'image' ? ['thumb'] : ['poster', 'playback']
  const left = row.state === 'ready' || row.pending.length > 0 ? row.pending : first
  return { done, left: left.filter((name) => !done.includes(name)) }
}
