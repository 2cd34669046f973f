/** Tells the owner's event stream and the history how far an asset is. */
import type { Db } from '../engines/database/database.ts'
import { publishEvents } from '../events/index.ts'
import { history, jobAttempt } from '../history/index.ts'
import type { AssetRow, Tx } from './context.ts'

/** In the transaction that changed the asset. `done` names what was made, `errorClass` why it was not. */
export async function announce(
  tx: Tx,
  asset: AssetRow,
  outcome: { done: string[]; phases?: Record<string, number>; errorClass?: string; attempt: number },
): Promise<void> {
  const { done, phases, errorClass, attempt } = outcome
  await history.record(tx, jobAttempt(asset.owner_id, attempt), {
    action: 'asset.process',
    objectType: 'asset',
    objectId: asset.id,
    size: asset.size,
    contentType: asset.content_type,
    ...(phases === undefined ? {} : { phases }),
    ...(errorClass === undefined ? {} : { errorClass }),
  })
  await publishEvents(tx, [
    {
      accountId: asset.owner_id,
      type: 'asset.updated',
      id: asset.id,
      state: asset.state,
      data: { version: asset.version, failure: asset.failure, done, left: asset.pending },
    },
  ])
}

/** How long an asset that nobody has processed before waited for it, as a phase in milliseconds. */
export function waitOf(asset: AssetRow, now: Date): { wait?: number } {
  return asset.recipe === null ? { wait: Math.max(0, now.getTime() - asset.uploaded_at.getTime()) } : {}
}

/** Milliseconds between two. */
const progressInterval = 5_000

/** Tells the owner how far a long making is. Returns what to call with the fraction that is done. */
export function announcingProgress(
  { db, log }: { db: Db; log: { warn(fields: object, message: string): void } },
  asset: AssetRow,
  name: string,
): (fraction: number) => void {
  let announcedAt = performance.now()
  return (fraction) => {
    if (performance.now() - announcedAt < progressInterval) return
    announcedAt = performance.now()
    publishEvents(db, [
      {
        accountId: asset.owner_id,
        type: 'asset.updated',
        id: asset.id,
        state: asset.state,
        data: { making: { name, fraction: Math.round(fraction * 100) / 100 } },
      },
    ]).catch((error: unknown) => log.warn({ err: error }, 'the progress of a video could not be told'))
  }
}
