/**
 * What files say of themselves: when, where and with what they were taken; and copies that do not say where. Pure functions
 * over hostile bytes, made to run in isolated processes.
 */
export { readImageMetadata } from './image.ts'
export { removeImageLocation } from './remove-image-location.ts'
export { readVideoMetadata, type Source } from './video.ts'
export { type Patch, patched, type VideoLocationRemoval, videoLocationRemoval } from './video-location.ts'
