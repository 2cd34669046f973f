/** Where the pictures and the headings of one section are. Pure: the same section and the same metrics give the same layout. */
import { type Box, justify, type Row } from './justified.ts'
import type { Metrics } from './metrics.ts'
import { dayOf, type GridSection } from './source.ts'

/** The pictures of a day, or all where there are no days. Positions are in the section. */
export interface Group {
  /** `2026-11-03`; null where there are no days, and where the heading stands in the section before. */
  heading: string | null
  left: number
  top: number
  width: number
  /** Up to the end of its last row. */
  bottom: number
  first: number
  end: number
}

export interface SectionLayout {
  /** What is not loaded is estimated. */
  height: number
  groups: Group[]
  boxes: Box[]
  /** From top to bottom. */
  rows: Row[]
}

export interface SectionView {
  hasDays: boolean
  /** Whether the name of the month stands above. */
  hasMonth: boolean
}

/** Of what is known of a section, from its first item on; what is missing takes the height it may need. */
export function layoutSection(section: GridSection, view: SectionView, metrics: Metrics): SectionLayout {
  const items = section.items ?? []
  const top = view.hasMonth ? metrics.monthHeading : 0
  const layout: SectionLayout = { height: top, groups: [], boxes: [], rows: [] }
  if (items.length > 0) {
    const line = { left: 0, top, bottom: top }
    for (const day of view.hasDays ? daysOf(section) : [{ day: null, first: 0, end: items.length }]) {
      addGroup(layout, section, day, line, metrics)
    }
    layout.height = line.bottom + endGap(section, view, metrics)
  }
  const missing = section.count - items.length
  if (missing > 0) layout.height += estimateHeight(missing, view.hasDays, metrics)
  return layout
}

interface Day {
  day: string | null
  first: number
  end: number
}

function daysOf({ items }: GridSection): Day[] {
  const days: Day[] = []
  for (const [index, item] of (items ?? []).entries()) {
    const day = dayOf(item)
    const last = days.at(-1)
    if (last?.day === day) last.end = index + 1
    else days.push({ day, first: index, end: index + 1 })
  }
  return days
}

interface Line {
  /** Where the next group may begin beside those that are on the line already. */
  left: number
  top: number
  bottom: number
}

function addGroup(layout: SectionLayout, section: GridSection, day: Day, line: Line, metrics: Metrics): void {
  const ratios = (section.items ?? []).slice(day.first, day.end).map(({ ratio }) => ratio)
  const goesOn = section.goesOn && day.end === section.count
  const justified = justify(ratios, metrics, goesOn)
  const isHeaded = day.day !== null && !(day.first === 0 && section.continues)
  const width = Math.max(justified.width, metrics.narrowestDay)
  const fitsBeside = metrics.sideBySide !== null && line.left > 0 && line.left + width <= metrics.width && isHeaded
  if (!fitsBeside) {
    const gap = layout.groups.length === 0 ? 0 : metrics.dayGap
    line.left = 0
    line.top = line.bottom + gap
  }
  const top = line.top + (isHeaded ? metrics.dayHeading : 0)
  for (const box of justified.boxes) layout.boxes.push({ ...box, left: box.left + line.left, top: box.top + top })
  for (const row of justified.rows) {
    layout.rows.push({ ...row, top: row.top + top, first: row.first + day.first, end: row.end + day.first })
  }
  const bottom = top + justified.height
  layout.groups.push({
    heading: isHeaded ? day.day : null,
    left: line.left,
    top: line.top,
    width: justified.rows.length > 1 ? metrics.width : width,
    bottom,
    first: day.first,
    end: day.end,
  })
  line.bottom = fitsBeside ? Math.max(line.bottom, bottom) : bottom
  // Only what is one row leaves room beside it.
  line.left =
    justified.rows.length === 1 && metrics.sideBySide !== null && isHeaded ? line.left + width + metrics.sideBySide : 0
}

/** Below the last row: little where the same day goes on. */
function endGap(section: GridSection, { hasDays }: SectionView, metrics: Metrics): number {
  return section.goesOn || !hasDays ? metrics.gap : metrics.dayGap
}

/** Most pictures are 4:3 or 3:4, and most of those lie. */
const usualRatio = 1.25
/** Pictures of a day with pictures. */
const usualDay = 12

/** What pictures that nobody has seen yet may need. */
export function estimateHeight(count: number, hasDays: boolean, metrics: Metrics): number {
  const perRow = Math.max(1, metrics.width / (usualRatio * metrics.target + metrics.gap))
  const days = hasDays ? Math.ceil(count / usualDay) : 0
  const rows = Math.ceil(count / perRow + (metrics.sideBySide === null ? 0.5 : 0.3) * days)
  return rows * (metrics.target + metrics.gap) + days * (metrics.dayHeading + metrics.dayGap)
}

/** The pictures in rows that touch the span, as indexes from `first` up to `end`. */
export function visibleItems(layout: SectionLayout, from: number, to: number): { first: number; end: number } {
  const { rows } = layout
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >> 1
    const row = rows[middle]
    if (row !== undefined && row.top + row.height < from) low = middle + 1
    else high = middle
  }
  let end = low
  while ((rows[end]?.top ?? Number.POSITIVE_INFINITY) <= to) end += 1
  return end === low ? { first: 0, end: 0 } : { first: rows[low]?.first ?? 0, end: rows[end - 1]?.end ?? 0 }
}

/** The picture under a point, else the nearest one in its line; null beside all lines. */
export function itemAt(layout: SectionLayout, x: number, y: number): number | null {
  let nearest: { index: number; distance: number } | null = null
  for (const { first, end, top, height } of layout.rows) {
    if (y < top || y > top + height) continue
    for (let index = first; index < end; index += 1) {
      const box = layout.boxes[index]
      if (box === undefined) continue
      const distance = Math.max(box.left - x, x - box.left - box.width, 0)
      if (nearest === null || distance < nearest.distance) nearest = { index, distance }
    }
  }
  return nearest?.index ?? null
}

/** The picture in the line above (-1) or below (1) that is nearest to a place across; null when there is no such line. */
export function itemBeyond(layout: SectionLayout, from: number, step: -1 | 1, x: number): number | null {
  const tops = layout.rows.map(({ top }) => top).filter((top) => (step === 1 ? top > from : top < from))
  if (tops.length === 0) return null
  const top = step === 1 ? Math.min(...tops) : Math.max(...tops)
  const row = layout.rows.find((other) => other.top === top)
  return row === undefined ? null : itemAt(layout, x, row.top + 1)
}
