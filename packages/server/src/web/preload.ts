/**
 * Names the first pictures of the timeline in the head, so that they are on their way before a script has run. They must be the
 * very files that the grid will ask for, or they are fetched for nothing: this says the same as `lib/grid/picture.ts` of the
 * site, and a test holds the two together.
 */
import type { TimelineItem } from '../timeline/index.ts'
import type { FirstTimeline } from './first-data.ts'
import { escapeAttribute } from './shell.ts'

/** As many as a phone shows in its first rows. */
const eagerPictures = 6

/** Pixels on the long side. */
const thumbSide = 320
const smallSide = 720

/** Width by height above which a phone is told no more width, and above which it is again. */
const phoneWidest = 1
const panorama = 2.5
/** Heights of rows that pictures are chosen for, by the width of the screen below which they apply. Pixels. */
const rowHeights = [
  { below: 600, height: 90 },
  { below: 1200, height: 168 },
  { below: Number.POSITIVE_INFINITY, height: 208 },
]

export function preloadFirstRow(timeline: FirstTimeline | null): string {
  if (timeline === null) return ''
  return timeline.first.items.slice(0, eagerPictures).map(preload).join('')
}

/** Empty for an item that has no picture yet. */
export function preload({ ratio, thumb, small }: Pick<TimelineItem, 'ratio' | 'thumb' | 'small'>): string {
  if (thumb === null) return ''
  const attributes = { rel: 'preload', as: 'image', href: thumb, ...choice(ratio, thumb, small), fetchpriority: 'high' }
  const text = Object.entries(attributes).map(([name, value]) => `${name}="${escapeAttribute(value)}"`)
  return `<link ${text.join(' ')}>`
}

function choice(ratio: number, thumb: string, small: string | null) {
  if (small === null || small === thumb) return {}
  const widthOf = (side: number) => Math.max(1, Math.round(ratio >= 1 ? side : side * ratio))
  const sizes = rowHeights.map(({ below, height }, at) => {
    const shape = at > 0 || ratio > panorama ? ratio : Math.min(ratio, phoneWidest)
    const width = `${Math.max(1, Math.round(shape * height))}px`
    return Number.isFinite(below) ? `(max-width: ${below - 1}px) ${width}` : width
  })
  return {
    imagesrcset: `${thumb} ${widthOf(thumbSide)}w, ${small} ${widthOf(smallSide)}w`,
    imagesizes: sizes.join(', '),
  }
}
