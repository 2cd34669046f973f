/**
 * Where the pictures of the first screen are, said before any of the site runs. The distances are those of the pages' own
 * styles; a journey compares every picture with where the grid then puts it.
 */
import type { TimelineItem } from '../grid/item.ts'
import type { Box } from '../grid/justified.ts'
import { metricsFor } from '../grid/metrics.ts'
import { layoutSection } from '../grid/section-layout.ts'

export interface FirstScreen {
  /** Of the window. Pixels. */
  width: number
  height: number
  /** Of the page, without what is kept for the scroll bar. */
  pageWidth: number
}

export interface FirstMonth {
  month: string
  /** Of its items, all of them. */
  count: number
  /** The newest of them. */
  items: TimelineItem[]
}

/** Width of the window from which the navigation stands at the side. */
const wideFrom = 900
const rail = 232
const header = 56
/** Beside the grid, where the dates are. */
const scrubber = 40

/** In the page. What is below the screen is left out. */
export function placeFirst({ month, count, items }: FirstMonth, screen: FirstScreen): (Box & { item: TimelineItem })[] {
  const isWide = screen.width >= wideFrom
  const padding = screen.width < 600 ? 8 : 16
  const left = (isWide ? rail : 0) + padding
  const width = screen.pageWidth - left - padding - (isWide ? scrubber : 0)
  const section = {
    key: month,
    month,
    count,
    items,
    isCurrent: items.length === count,
    isPrefix: items.length < count,
    continues: false,
    goesOn: false,
  }
  const layout = layoutSection(section, { hasDays: true, hasMonth: true }, metricsFor(width, screen.width))
  return items.flatMap((item, index) => {
    const box = layout.boxes[index]
    if (box === undefined || box.top + header > screen.height) return []
    return [{ ...box, item, left: box.left + left, top: box.top + header }]
  })
}
