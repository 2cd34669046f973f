/**
 * Photos of an album as one ZIP. Those who do not own one get a copy that does not tell where it was taken, unless the album
 * shares that; what there is no copy of is left out and named in the archive, so that nobody believes they have it all.
 */
import { Readable } from 'node:stream'
import type { Presenter } from '../assets/index.ts'
import { streamZip, type ZipEntry } from '../delivery/index.ts'
import type { Db } from '../engines/database/database.ts'
import type { AlbumSort } from '../engines/database/schema.ts'
import type { ObjectStore } from '../engines/object-store/index.ts'
import { problems } from '../problem.ts'
import { type AlbumAssetRow, findAlbumAssets, listAlbumAssets, noSuchAlbumAsset } from './content.ts'

export interface AlbumDownload {
  album: { id: string; sort: AlbumSort }
  /** All the album shows when absent. */
  ids?: string[] | undefined
  /** Whether this one is given as it is, place and all. */
  sharesLocation(row: AlbumAssetRow): boolean
  /** Before each page of the album: throws when they may no longer. */
  authorize(): Promise<void>
  /** With each page: what is about to be sent. */
  record(rows: AlbumAssetRow[]): Promise<void>
}

export interface DownloadDeps {
  db: Db
  store: ObjectStore
  presenter: Pick<Presenter, 'originalsForOthers'>
  now: () => Date
}

interface Collected {
  /** Names of what there is no file of. */
  missing: string[]
}

const pageSize = 200

/**
 * Resolves when there is something to send. Throws `not-found` when nothing of what was asked for is in the album, and
 * `conflict` when there is no file of any of it, yet or ever.
 */
export async function zipAlbum(deps: DownloadDeps, download: AlbumDownload): Promise<Readable> {
  const collected: Collected = { missing: [] }
  const files = filesOf(deps, download, collected)
  const first = await files.next()
  if (first.done === true && collected.missing.length === 0) throw noSuchAlbumAsset()
  if (first.done === true) {
    throw problems.conflict('There is nothing of it to download yet. Copies for you are being made; try again soon.', {
      retryAfter: 10,
    })
  }
  return streamZip(entriesOf(first.value, files, deps.now(), collected))
}

async function* entriesOf(first: ZipEntry, others: AsyncIterable<ZipEntry>, at: Date, { missing }: Collected) {
  yield first
  yield* others
  if (missing.length > 0) yield missingList(missing, at)
}

async function* filesOf(deps: DownloadDeps, download: AlbumDownload, collected: Collected): AsyncGenerator<ZipEntry> {
  for await (const rows of pagesOf(deps.db, download)) {
    const open = rows.filter((row) => download.sharesLocation(row))
    const closed = rows.filter((row) => !download.sharesLocation(row))
    const files = new Map([
      ...(await deps.presenter.originalsForOthers(open, { location: true })),
      ...(await deps.presenter.originalsForOthers(closed, { location: false })),
    ])
    await download.record(rows.filter(({ id }) => files.has(id)))
    for (const row of rows) {
      const file = files.get(row.id)
      if (file === undefined) {
        collected.missing.push(row.filename)
        continue
      }
      yield {
        filename: row.filename,
        size: file.size,
        modifiedAt: row.captured_at,
        open: async () => (await deps.store.get(file.object_key)).body,
      }
    }
  }
}

async function* pagesOf(db: Db, { album, ids, authorize }: AlbumDownload): AsyncGenerator<AlbumAssetRow[]> {
  if (ids !== undefined) {
    yield await findAlbumAssets(db, album, ids)
    return
  }
  let cursor: string | undefined
  do {
    await authorize()
    const page = await listAlbumAssets(db, album, { limit: pageSize, cursor })
    yield page.items
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
}

function missingList(names: string[], at: Date): ZipEntry {
  const text = Buffer.from(
    `These are not in this archive, since there is no copy of them that does not tell where they were taken:\n\n${names.join('\n')}\n`,
  )
  return { filename: 'missing.txt', size: text.length, modifiedAt: at, open: async () => Readable.from([text]) }
}
