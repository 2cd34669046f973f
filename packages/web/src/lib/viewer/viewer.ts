/** What a page tells the viewer: what it walks through, and what may be done there. */
import type { TimelineItem } from '../grid/item.ts'
import type { GridSource } from '../grid/source.ts'

/** A grid's source, as much of it as the viewer needs. */
export type ViewerSource = Pick<GridSource, 'length' | 'indexOf' | 'at' | 'find'>

export interface ViewerAbilities {
  favorite: boolean
  /** Description and time, which only the owner changes. */
  edit: boolean
  trash: boolean
  addToAlbum: boolean
  download: boolean
  setCover?: boolean
  removeFromAlbum?: boolean
}

/** Each tells by itself when it did not work, and tells what changed by `changes`. */
export interface ViewerActions {
  favorite?: (id: string, value: boolean) => Promise<unknown>
  trash?: (id: string) => Promise<unknown>
  restore?: (id: string) => Promise<unknown>
  addToAlbum?: (id: string) => Promise<unknown>
  setCover?: (id: string) => Promise<unknown>
  removeFromAlbum?: (id: string) => Promise<unknown>
}

/** Stands for what only its address tells of. */
export function unknownItem(id: string): TimelineItem {
  return {
    id,
    takenAt: '',
    ratio: 1,
    kind: 'image',
    duration: null,
    favorite: false,
    state: 'ready',
    motion: false,
    animated: false,
    thumbhash: null,
    thumb: null,
    small: null,
  }
}

export function isUnknown({ takenAt }: TimelineItem): boolean {
  return takenAt === ''
}
