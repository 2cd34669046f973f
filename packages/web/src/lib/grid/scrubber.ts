/** The months along the edge of the grid: where each stands, and which names there is room for. Pure. */
import type { Frame } from './frame.ts'

export interface MonthMark {
  month: string
  /** Of the first section of the month in the grid, pixels. */
  top: number
  /** From the upper to the lower end of the bar: 0 to 1. */
  at: number
}

/** `reach`: how far the grid can be scrolled. */
export function monthMarks({ sections, tops }: Frame, reach: number): MonthMark[] {
  const marks: MonthMark[] = []
  for (const [index, { month }] of sections.entries()) {
    const top = tops[index] ?? 0
    if (month === null || marks.at(-1)?.month === month) continue
    marks.push({ month, top, at: Math.min(1, Math.max(0, reach <= 0 ? 0 : top / reach)) })
  }
  return marks
}

/** Years where they begin from above, as many as there is room for at `room` pixels each on a bar of `length`. */
export function yearLabels(marks: readonly MonthMark[], length: number, room: number): { year: string; at: number }[] {
  const labels: { year: string; at: number }[] = []
  for (const { month, at } of marks) {
    const year = month.slice(0, 4)
    const last = labels.at(-1)
    if (last !== undefined && (last.year === year || (at - last.at) * length < room)) continue
    if (at * length > length - room / 2) break
    labels.push({ year, at })
  }
  return labels
}

/** Which of the marks a height of the grid is in; -1 when there is none. */
export function markAt(marks: readonly MonthMark[], top: number): number {
  const next = marks.findIndex((mark) => mark.top > top)
  return next === -1 ? marks.length - 1 : Math.max(0, next - 1)
}

/** Where a key leads from a month, in order of the marks; null for other keys. */
export function markAfterKey(marks: readonly MonthMark[], at: number, key: string): number | null {
  const last = marks.length - 1
  const year = marks[at]?.month.slice(0, 4)
  switch (key) {
    case 'ArrowDown':
    case 'ArrowRight':
      return Math.min(last, at + 1)
    case 'ArrowUp':
    case 'ArrowLeft':
      return Math.max(0, at - 1)
    case 'PageDown': {
      const next = marks.findIndex(({ month }, index) => index > at && month.slice(0, 4) !== year)
      return next === -1 ? last : next
    }
    case 'PageUp': {
      const before = marks.findLastIndex(({ month }, index) => index < at && month.slice(0, 4) !== year)
      const other = marks[before]?.month.slice(0, 4)
      return before === -1 ? 0 : marks.findIndex(({ month }) => month.slice(0, 4) === other)
    }
    case 'Home':
      return 0
    case 'End':
      return last
    default:
      return null
  }
}
