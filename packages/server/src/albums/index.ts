export { type Addition, type Arrival, addOwnAssets, addToAlbum, admitArrival, openForAdding } from './adding.ts'
export {
  type AlbumContext,
  type AlbumRole,
  type AlbumRow,
  lockAlbum,
  noSuchAlbum,
  type OpenAlbum,
  openAlbum,
  requireAlbumOwner,
  requireOwnership,
} from './album.ts'
export {
  type AlbumAssetRow,
  type AlbumPage,
  findAlbumAssets,
  getAlbumAsset,
  listAlbumAssets,
  noSuchAlbumAsset,
} from './content.ts'
export { type AlbumDownload, type DownloadDeps, zipAlbum } from './download.ts'
export { type AlbumFacts, findAlbumFacts } from './facts.ts'
export { leaveAlbums } from './members.ts'
export { AlbumAssetSchema, createAlbumPresenter, OrderSchema } from './present.ts'
export { albumRoutes } from './routes/index.ts'
