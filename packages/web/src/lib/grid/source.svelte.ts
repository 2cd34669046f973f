/** What a grid shows: the timeline, or a list in pages. */
export { createPagedSource, type PagedSource } from './paged-source.svelte.ts'
export type { GridSection, GridSource } from './source.ts'
export { createTimelineSource, type TimelineFilter } from './timeline-source.svelte.ts'
