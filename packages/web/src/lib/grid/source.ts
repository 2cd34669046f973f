/** What a grid shows and a viewer walks through: sections with a known number of items, loaded when they come near the screen. */
import type { TimelineItem } from './item.ts'

/** Never changed in place: a section that is not the same object looks different. */
export interface GridSection {
  readonly key: string
  /** `2026-11` where the grid is in order of time; null in albums, the trash and on shared pages. */
  readonly month: string | null
  readonly count: number
  /** From the first one on, as many as are known; null while none is. */
  readonly items: readonly TimelineItem[] | null
  /** Whether what is known is all of it and still true; else `load` brings the rest. */
  readonly isCurrent: boolean
  /** What is known is true and lacks only what comes after it, which is not needed before the screen comes near its end. */
  readonly isPrefix: boolean
  /** Its first day began in the section before. */
  readonly continues: boolean
  /** Its last day goes on in the next section. */
  readonly goesOn: boolean
}

export interface GridSource {
  readonly sections: readonly GridSection[]
  readonly state: 'loading' | 'ready' | 'failed'
  /** Why nothing could be loaded, or why the last section could not. */
  readonly error: unknown
  /** Whether days have headings. */
  readonly hasDays: boolean
  /** All items there are, loaded or not. */
  readonly length: number
  /** Brings what is missing of a section; of a list in pages, the next page. Failures are told by `error`. */
  load(section: GridSection): Promise<void>
  retry(): void
  /**
   * Reads an item again whose picture could not be had: its address may have grown too old. Lists in pages have none: what is
   * around their grid renews all that is on the screen at once.
   */
  readAgain?(id: string): void
  /** These are near the screen; sections far from them may be forgotten. */
  keepNear(first: number, last: number): void
  /** Position of an item among all, null when it is not here. */
  indexOf(id: string): Promise<number | null>
  /** The item at a position, loaded when need be; null outside. */
  at(index: number): Promise<TimelineItem | null>
  /** The items from one position to another, both included, loaded when need be. */
  range(from: number, to: number): Promise<TimelineItem[]>
  /** Where it is, if that is loaded. */
  find(id: string): TimelineItem | null
  /** Ends following what changes. */
  close(): void
}

/** Days of the wall clock where it was taken: `2026-11-03`. */
export function dayOf(item: TimelineItem): string {
  return item.takenAt.slice(0, 10)
}

export function monthOf(item: TimelineItem): string {
  return item.takenAt.slice(0, 7)
}

/** The section that holds a position, and the place in it; null outside. */
export function locate(sections: readonly GridSection[], index: number): { section: number; offset: number } | null {
  if (index < 0) return null
  let first = 0
  for (const [section, { count }] of sections.entries()) {
    if (index < first + count) return { section, offset: index - first }
    first += count
  }
  return null
}

/** How many items come before a section. */
export function countBefore(sections: readonly GridSection[], section: number): number {
  let count = 0
  for (let index = 0; index < section; index += 1) count += sections[index]?.count ?? 0
  return count
}

/** Position of a loaded item among all. */
export function findLoaded(
  sections: readonly GridSection[],
  id: string,
): { section: number; offset: number; index: number; item: TimelineItem } | null {
  let before = 0
  for (const [section, { items, count }] of sections.entries()) {
    const offset = items?.findIndex((item) => item.id === id) ?? -1
    const item = items?.[offset]
    if (item !== undefined) return { section, offset, index: before + offset, item }
    before += count
  }
  return null
}
