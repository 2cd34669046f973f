/** Items and sections for tests. */
import type { TimelineItem } from './item.ts'
import type { GridSection } from './source.ts'

let last = 0

export function itemTaken(takenAt: string, fields: Partial<TimelineItem> = {}): TimelineItem {
  last += 1
  return {
    id: String(last).padStart(8, '0'),
    takenAt,
    ratio: 1.5,
    kind: 'image',
    duration: null,
    favorite: false,
    state: 'ready',
    motion: false,
    animated: false,
    thumbhash: null,
    thumb: null,
    small: null,
    ...fields,
  }
}

export function sectionOf(month: string, items: readonly TimelineItem[], piece = 0): GridSection {
  return {
    key: `${month}/${piece}`,
    month,
    count: items.length,
    items,
    isCurrent: true,
    isPrefix: false,
    continues: false,
    goesOn: false,
  }
}
