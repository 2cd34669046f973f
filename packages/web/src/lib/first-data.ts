/** What the server wrote into the page so that the first screen needs no further question. Taken once: it grows old. */
import type { Account, ServerInfo } from '@heliograph/client'
import type { TimelineItem } from './grid/item.ts'

export interface FirstData {
  me: Account | null
  server: ServerInfo
  timeline: {
    months: { month: string; count: number }[]
    first: { month: string; items: TimelineItem[] }
  } | null
}

let read: FirstData | null | undefined

export function firstData(): FirstData | null {
  if (read === undefined) {
    const text = document.getElementById('heliograph-first')?.textContent ?? 'null'
    read = JSON.parse(text) as FirstData | null
  }
  return read
}

/** The first timeline, for whoever asks first; null afterwards. */
export function takeFirstTimeline(): FirstData['timeline'] {
  const first = firstData()
  const timeline = first?.timeline ?? null
  if (first !== null) first.timeline = null
  return timeline
}
