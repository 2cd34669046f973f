/** The counts of timelines against the assets they count; both change in one transaction, so what differs is wrong. */
import { findWrongMonths, recountMonths } from '../timeline/index.ts'
import type { DoctorContext } from './context.ts'

export async function checkTimelines({ db, findings, repair }: DoctorContext): Promise<void> {
  const wrong = repair ? await recountMonths(db) : await findWrongMonths(db)
  for (const { owner_id: ownerId, month, kept, counted } of wrong) {
    const fact =
      kept === counted
        ? `the favourites or the kinds among its ${counted} are counted wrong`
        : `it counts ${kept}, there are ${counted}`
    findings.add({
      kind: 'timeline-wrong',
      subject: ownerId,
      detail: `${month} in the timeline of account ${ownerId}: ${fact}`,
      repaired: repair,
    })
  }
}
