/**
 * The sections of a timeline as plain data: months cut into pieces that one request brings, and what changes do to them.
 * Nothing here is changed in place; what did not change stays the same object, so that nothing of it is laid out again.
 */
import type { TimelineItem } from './item.ts'
import { dayOf, findLoaded, type GridSection, monthOf } from './source.ts'

export interface Month {
  /** `2026-11` */
  month: string
  count: number
}

/** With one more on each side, which tell whether days go on there, well within what one request may bring. */
export const chunkSize = 400

export function chunksOf(months: readonly Month[]): GridSection[] {
  return months.flatMap(chunksOfMonth)
}

function chunksOfMonth({ month, count }: Month): GridSection[] {
  return Array.from({ length: Math.ceil(count / chunkSize) }, (_, chunk) => ({
    key: `${month}/${chunk}`,
    month,
    count: Math.min(chunkSize, count - chunk * chunkSize),
    items: null,
    isCurrent: false,
    isPrefix: false,
    continues: false,
    goesOn: false,
  }))
}

/** Of a section's first item, among the items of its month. */
export function offsetInMonth(sections: readonly GridSection[], at: number): number {
  let offset = 0
  for (let index = at - 1; sections[index]?.month === sections[at]?.month && index >= 0; index -= 1) {
    offset += sections[index]?.count ?? 0
  }
  return offset
}

/**
 * A section as a request brought it: `before` and `after` are the neighbours of `items` in their month. An item that stands in
 * another section meanwhile is not shown twice.
 */
export function filled(
  section: GridSection,
  answer: { before: TimelineItem | null; items: readonly TimelineItem[]; after: TimelineItem | null },
): GridSection {
  const first = answer.items[0]
  const last = answer.items.at(-1)
  return {
    ...section,
    items: answer.items,
    count: answer.items.length,
    isCurrent: true,
    isPrefix: false,
    continues: first !== undefined && answer.before !== null && dayOf(answer.before) === dayOf(first),
    goesOn: last !== undefined && answer.after !== null && dayOf(answer.after) === dayOf(last),
  }
}

/** The months as the server counts them now. What was loaded stays on the screen, but a month that differs is loaded again. */
export function recount(
  sections: readonly GridSection[],
  months: readonly Month[],
  isDoubtful: (month: string) => boolean,
): GridSection[] {
  const known = Map.groupBy(sections, ({ month }) => month ?? '')
  return months.flatMap((month) => {
    const old = known.get(month.month) ?? []
    const isSame = old.reduce((sum, { count }) => sum + count, 0) === month.count
    if (isSame && !isDoubtful(month.month)) return old
    return chunksOfMonth(month).map((chunk, at) => {
      const items = old[at]?.items?.slice(0, chunk.count) ?? null
      return { ...chunk, items, continues: old[at]?.continues ?? false, goesOn: old[at]?.goesOn ?? false }
    })
  })
}

export function without(sections: readonly GridSection[], ids: ReadonlySet<string>): GridSection[] {
  return sections.flatMap((section) => {
    const items = section.items?.filter(({ id }) => !ids.has(id)) ?? null
    const gone = (section.items?.length ?? 0) - (items?.length ?? 0)
    if (gone === 0) return section
    return gone === section.count ? [] : { ...section, items, count: section.count - gone }
  })
}

/** What is loaded, as it is now. Where the moment of capture changed, it moves. */
export function updated(sections: readonly GridSection[], changes: ReadonlyMap<string, TimelineItem>): GridSection[] {
  const moved: TimelineItem[] = []
  const replaced = sections.map((section) => {
    if (section.items === null || !section.items.some(({ id }) => changes.has(id))) return section
    const items = section.items.map((item) => {
      const change = changes.get(item.id)
      if (change === undefined) return item
      if (change.takenAt !== item.takenAt) moved.push(change)
      return change
    })
    return { ...section, items }
  })
  if (moved.length === 0) return replaced
  return inserted(without(replaced, new Set(moved.map(({ id }) => id))), moved)
}

/** Puts items where their moment belongs, newest first; one that is there already is left alone. */
export function inserted(sections: readonly GridSection[], items: readonly TimelineItem[]): GridSection[] {
  let result = [...sections]
  for (const item of items) {
    if (findLoaded(result, item.id) === null) result = insertedOne(result, item)
  }
  return result
}

function insertedOne(sections: readonly GridSection[], item: TimelineItem): GridSection[] {
  const month = monthOf(item)
  const own = sections.filter((section) => section.month === month)
  if (own.length === 0) return withMonth(sections, item)
  // The last piece that begins later than the item holds it; what is not loaded may begin anywhere, and is counted only.
  const holder =
    own.findLast(({ items }) => (items?.[0]?.takenAt ?? '') > item.takenAt) ??
    own.find(({ items }) => items !== null) ??
    own[0]
  return sections.map((section) => {
    if (section !== holder) return section
    const items = section.items
    if (items === null) return { ...section, count: section.count + 1 }
    const at = items.findIndex((other) => isBefore(item, other))
    return { ...section, count: section.count + 1, items: items.toSpliced(at === -1 ? items.length : at, 0, item) }
  })
}

function withMonth(sections: readonly GridSection[], item: TimelineItem): GridSection[] {
  const month = monthOf(item)
  const at = sections.findIndex((section) => (section.month ?? '') < month)
  const own = chunksOfMonth({ month, count: 1 }).map((section) =>
    filled(section, { before: null, items: [item], after: null }),
  )
  return sections.toSpliced(at === -1 ? sections.length : at, 0, ...own)
}

/** Newest first, and of the same moment the one with the later id. */
function isBefore(one: TimelineItem, other: TimelineItem): boolean {
  return one.takenAt === other.takenAt ? one.id > other.id : one.takenAt > other.takenAt
}

/** Forgets the items of sections that are farthest from those near the screen, so that at most `most` are loaded. */
export function trimmed(
  sections: readonly GridSection[],
  near: { first: number; last: number },
  most: number,
): readonly GridSection[] {
  const loaded = sections.flatMap(({ items }, index) => (items === null ? [] : [index]))
  if (loaded.length <= most) return sections
  const distance = (index: number) => Math.max(near.first - index, index - near.last, 0)
  const far = new Set(
    loaded
      .filter((index) => distance(index) > 0)
      .sort((one, other) => distance(other) - distance(one))
      .slice(0, loaded.length - most),
  )
  return sections.map((section, index) =>
    far.has(index) ? { ...section, items: null, isCurrent: false, isPrefix: false } : section,
  )
}
