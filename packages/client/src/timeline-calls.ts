/** The library by month, as a page shows it that scrolls over all of it. */
import type { TimelineFilter, TimelineItem, TimelineMonth, TimelineQuery } from './api.ts'
import { type Call, type Cancellation, cancellation } from './upload-calls.ts'

export function timelineCalls(call: Call) {
  return {
    /** Months by the clock of the place, newest first, with how many there are of each. */
    months: async (filter: TimelineFilter = {}, options: Cancellation = {}): Promise<TimelineMonth[]> => {
      const query = { ...filter }
      const answer = await call<{ items: TimelineMonth[] }>('GET', '/v1/timeline', { query, ...cancellation(options) })
      return answer.items
    },
    /** Items of a month such as `2026-11`, newest first: `limit` of them, at most 500, after the first `offset`. */
    items: async (month: string, query: TimelineQuery = {}, options: Cancellation = {}): Promise<TimelineItem[]> => {
      const path = `/v1/timeline/${encodeURIComponent(month)}`
      const answer = await call<{ items: TimelineItem[] }>('GET', path, {
        query: { ...query },
        ...cancellation(options),
      })
      return answer.items
    },
  }
}
