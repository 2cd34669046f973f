export { CannotDecode, type MediaMetadata, recipe, type Undecodable } from './media.ts'
