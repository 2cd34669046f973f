/**
 * The one place through which photos and videos change on the screen, whether the person did it here or it happened on another
 * device: every open grid and viewer listens, and shows what is true now.
 */
import type { TimelineItem } from './item.ts'

export interface Change {
  /** Gone from where they were shown: to the trash, or for good. */
  removed?: readonly string[]
  /** Those that were removed are in the trash now, where their place is. */
  isTrashed?: boolean
  /** Back from the trash, or not removed after all. */
  restored?: readonly string[]
  /** As they are now, new ones too. */
  updated?: readonly TimelineItem[]
  favorite?: { ids: readonly string[]; value: boolean }
  /** Something may have happened just before anybody listened: the counts tell. */
  missed?: boolean
  /** Nobody knows what happened meanwhile: load again what is shown. */
  reset?: boolean
}

type Listener = (change: Change) => void

function createChanges() {
  const listeners = new Set<Listener>()
  return {
    emit(change: Change): void {
      for (const listener of [...listeners]) listener(change)
    },
    /** Returns what ends it. */
    follow(listener: Listener): () => void {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

export const changes = createChanges()
