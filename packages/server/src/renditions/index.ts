export { findAvatar } from './avatar.ts'
export type { RenditionContext } from './context.ts'
export { createImageDecoder } from './image/index.ts'
export { createIsolatedFiles } from './isolated-files/isolated-files.ts'
export { createLazyVideoDecoder } from './lazy-videos.ts'
export { takeRenditions } from './making.ts'
export { CannotDecode, longestPlay, type MediaMetadata, recipe, type Undecodable } from './media.ts'
export { createPlaylistUrls, type PlaylistUrls } from './playlist-urls.ts'
export {
  countRebuilding,
  countSelected,
  enqueueRebuild,
  enqueueSelected,
  rebuildFailures,
  type Selection,
} from './rebuild.ts'
export { playlistRoutes } from './routes.ts'
export { sweepScratch } from './scratch.ts'
export { type FileForOthers, originalForOthers, originalsForOthers, requestShareable } from './shareable.ts'
export { findShown, type ShownRendition } from './shown.ts'
export { renditionLanes, renditionTasks } from './tasks.ts'
export { describeFfmpeg, findFfmpeg } from './video/index.ts'
