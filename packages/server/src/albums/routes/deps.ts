/** What the routes of albums are given, and the lists they take. */
import { Type } from 'typebox'
import type { AlbumContext } from '../album.ts'
import type { DownloadDeps } from '../download.ts'
import type { AlbumPresenter } from '../present.ts'

export interface AlbumRouteDeps {
  context: AlbumContext
  presenter: AlbumPresenter
  download: DownloadDeps
}

export const AssetIds = ({ minItems }: { minItems: number } = { minItems: 1 }) =>
  Type.Array(Type.String({ format: 'uuid' }), { minItems, maxItems: 1000 })
