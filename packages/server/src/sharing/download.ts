/**
 * An album, or some of it, as the files of a ZIP for visitors: originals where the link shows where things were taken, else
 * copies that do not tell it. A copy that is not made yet, or cannot be made, is left out, and a text in the ZIP says so.
 */
import { Readable } from 'node:stream'
import { type AlbumAssetRow, type AlbumRow, findAlbumAssets, listAlbumAssets } from '../albums/index.ts'
import type { ZipEntry } from '../delivery/index.ts'
import type { Db } from '../engines/database/database.ts'
import type { ObjectStore } from '../engines/object-store/index.ts'
import { type Attempt, history } from '../history/index.ts'
import { type FileForOthers, originalsForOthers } from '../renditions/index.ts'
import type { Visitor } from './visitors.ts'

export interface DownloadDeps {
  db: Db
  store: Pick<ObjectStore, 'get'>
  now: () => Date
}

const pageSize = 200
const nameOfNote = 'Not in this download.txt'

/** The assets of a page at a time, so that an album of any size is read in constant memory. */
export async function* pagesOf(db: Db, album: AlbumRow, ids: string[] | null): AsyncGenerator<AlbumAssetRow[]> {
  if (ids !== null) {
    yield await findAlbumAssets(db, album, ids)
    return
  }
  let cursor: string | null = null
  do {
    const page = await listAlbumAssets(db, album, { limit: pageSize, cursor: cursor ?? undefined })
    yield page.items
    cursor = page.nextCursor
  } while (cursor !== null)
}

export async function* entriesFor(
  { db, store, now }: DownloadDeps,
  attempt: Attempt,
  visitor: Visitor,
  pages: AsyncIterable<AlbumAssetRow[]>,
): AsyncGenerator<ZipEntry> {
  const missing: string[] = []
  for await (const rows of pages) {
    const files: Map<string, FileForOthers> = visitor.showLocation
      ? new Map(rows.map((row) => [row.id, row]))
      : await originalsForOthers(db, rows)
    await history.record(db, attempt, {
      action: 'link.download',
      objectType: 'link',
      objectId: visitor.linkId,
      size: [...files.values()].reduce((sum, { size }) => sum + size, 0),
    })
    for (const row of rows) {
      const file = files.get(row.id)
      if (file === undefined) missing.push(row.filename)
      else
        yield {
          filename: row.filename,
          size: file.size,
          modifiedAt: row.captured_at,
          open: async () => (await store.get(file.object_key)).body,
        }
    }
  }
  if (missing.length > 0) yield noteOf(missing, now())
}

function noteOf(missing: string[], modifiedAt: Date): ZipEntry {
  const text = Buffer.from(
    [
      'These are missing, since there is no copy of them yet that does not tell where they were taken.',
      'Try again in some minutes. Of a few files no such copy can be made; ask whoever shared the album.',
      '',
      ...missing.map((name) => name.replace(/[\r\n]+/g, ' ')),
      '',
    ].join('\r\n'),
  )
  return { filename: nameOfNote, size: text.length, modifiedAt, open: async () => Readable.from([text]) }
}
