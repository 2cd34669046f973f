/** Names the first pictures of the timeline in the head, so that they are on their way before a script has run. */
import type { FirstTimeline } from './first-data.ts'
import { escapeAttribute } from './shell.ts'

/** As many as a phone shows in its first rows. */
const pictures = 6

export function preloadFirstRow(timeline: FirstTimeline | null): string {
  if (timeline === null) return ''
  return timeline.first.items
    .slice(0, pictures)
    .flatMap(({ thumb }) => (thumb === null ? [] : [preload(thumb)]))
    .join('')
}

function preload(url: string): string {
  return `<link rel="preload" as="image" href="${escapeAttribute(url)}" fetchpriority="high">`
}
