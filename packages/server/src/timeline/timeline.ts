/**
 * The library as a page shows it that scrolls over all of it: first how many there are of each month, then the items of the
 * months that come into view. Ordered by the clock of the place where each was taken, as people remember it.
 */
import type { Delivery } from '../delivery/index.ts'
import type { Db } from '../engines/database/database.ts'
import { gather } from '../engines/database/gather.ts'
import { listMonths, readRevisions, type Span, type TimelineFilter, type TimelineMonth } from './counts.ts'
import { listItems, type Place, type TimelineItem } from './items.ts'

export interface Timeline {
  /** Newest first; those of which the filter leaves nothing are left out. */
  months(ownerId: string, filter?: TimelineFilter): Promise<TimelineMonth[]>
  /** @param month `2026-11`. Newest first. */
  items(ownerId: string, month: string, filter: TimelineFilter, place: Place): Promise<TimelineItem[]>
  /** As long as it stays the same, so do the answers of the other two for this month, or with null for any. */
  version(ownerId: string, month: string | null): Promise<string>
}

export interface TimelineDeps {
  db: Db
  delivery: Pick<Delivery, 'urlOf' | 'urlsUnder' | 'version'>
}

export function createTimeline(deps: TimelineDeps): Timeline {
  const revisionOf = gather(
    (spans: Span[]) => readRevisions(deps.db, spans),
    ({ ownerId, month }) => `${ownerId} ${month}`,
    { atOnce: 2, most: 200 },
  )
  return {
    months: (ownerId, filter = {}) => listMonths(deps.db, ownerId, filter),
    items: (ownerId, month, filter, place) => listItems(deps, ownerId, month, filter, place),
    async version(ownerId, month) {
      // Before the revision: URLs of a later bucket or key are never taken for those of this one.
      const urls = month === null ? '' : deps.delivery.version()
      return `${await revisionOf({ ownerId, month })} ${urls}`
    },
  }
}
