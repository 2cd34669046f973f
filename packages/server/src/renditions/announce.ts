/** Tells the owner's event stream and the history how far an asset is. */
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
