/** Where every section of a grid is, one below the other, and how to keep the eye's place when that changes. */
import type { Metrics } from './metrics.ts'
import { layoutSection, type SectionLayout } from './section-layout.ts'
import type { GridSection } from './source.ts'

export interface Frame {
  sections: readonly GridSection[]
  layouts: readonly SectionLayout[]
  /** Of each section. */
  tops: readonly number[]
  height: number
}

/**
 * Makes frames, laying out only sections that changed since. The height of a section that was forgotten stays what it was, so
 * that coming back to it moves nothing.
 */
export function createFrames() {
  let of: { metrics: Metrics; hasDays: boolean } | null = null
  let laidOut = new Map<GridSection, { layout: SectionLayout; hasMonth: boolean }>()
  let exact = new Map<string, { count: number; height: number }>()

  return function frame(sections: readonly GridSection[], hasDays: boolean, metrics: Metrics): Frame {
    if (of?.metrics !== metrics || of.hasDays !== hasDays) {
      of = { metrics, hasDays }
      laidOut = new Map()
      exact = new Map()
    }
    const kept: typeof laidOut = new Map()
    const tops: number[] = []
    let height = 0
    const layouts = sections.map((section, index) => {
      const hasMonth = section.month !== null && sections[index - 1]?.month !== section.month
      const known = laidOut.get(section)
      const layout =
        known?.hasMonth === hasMonth ? known.layout : layoutSection(section, { hasDays, hasMonth }, metrics)
      kept.set(section, { layout, hasMonth })
      const isWhole = section.items?.length === section.count
      if (isWhole) exact.set(section.key, { count: section.count, height: layout.height })
      const before = exact.get(section.key)
      const own = section.items === null && before?.count === section.count ? before.height : layout.height
      tops.push(height)
      height += own
      return own === layout.height ? layout : { ...layout, height: own }
    })
    laidOut = kept
    return { sections, layouts, tops, height }
  }
}

/** The section at a height; the first or last one beyond the ends, -1 when there is none. */
export function sectionAt({ tops }: Frame, y: number): number {
  let low = 0
  let high = tops.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((tops[middle] ?? 0) <= y) low = middle + 1
    else high = middle
  }
  return tops.length === 0 ? -1 : Math.max(0, low - 1)
}

/**
 * How far what is at `y` moved from one frame to the next, so that scrolling by that keeps it where it was. The first picture
 * from there on that still exists is followed; where none is loaded, the place within the section.
 */
export function movedBy(before: Frame, after: Frame, y: number): number {
  const at = sectionAt(before, y)
  const section = before.sections[at]
  const top = before.tops[at]
  const layout = before.layouts[at]
  if (section === undefined || top === undefined || layout === undefined) return 0
  const places = new Map(after.sections.map(({ key }, index) => [key, index]))

  const anchors = layout.rows.filter((row) => row.top + row.height > y - top).slice(0, 12)
  for (const row of anchors) {
    for (let index = row.first; index < row.end; index += 1) {
      const id = section.items?.[index]?.id
      const place = id === undefined ? null : placeOf(after, id, places.get(section.key))
      if (place !== null) return place - (top + row.top)
    }
  }

  const now = places.get(section.key)
  if (now !== undefined) {
    const newTop = after.tops[now] ?? 0
    const newHeight = after.layouts[now]?.height ?? 0
    const within = y - top
    const isStretched = layout.rows.length === 0 && layout.height > 0
    return newTop + (isStretched ? (within / layout.height) * newHeight : Math.min(within, newHeight)) - y
  }
  // The section is gone: what came after it takes its place.
  for (const next of before.sections.slice(at + 1)) {
    const index = places.get(next.key)
    if (index !== undefined) return (after.tops[index] ?? 0) - y
  }
  return 0
}

/** The height of a picture in a frame, looked for where it was before it is looked for everywhere. */
function placeOf({ sections, layouts, tops }: Frame, id: string, guess: number | undefined): number | null {
  const order = guess === undefined ? [] : [guess, guess - 1, guess + 1]
  for (const at of [...new Set([...order, ...sections.keys()])]) {
    const offset = sections[at]?.items?.findIndex((item) => item.id === id) ?? -1
    const box = layouts[at]?.boxes[offset]
    if (box !== undefined) return (tops[at] ?? 0) + box.top
  }
  return null
}
