/** Long work on an asset ends when the asset is deleted: nobody will look at what it makes. */
import type { AssetRow, RenditionContext, Run } from './context.ts'

/** Milliseconds between two looks. */
const interval = 5_000

/** Gives `work` a run that is aborted when the asset, or its bytes, are no more; then it ends in silence. */
export async function whileThere(
  { db, log }: RenditionContext,
  asset: AssetRow,
  run: Run,
  work: (run: Run) => Promise<void>,
): Promise<void> {
  const gone = new AbortController()
  const look = async () => {
    const row = await db
      .selectFrom('asset')
      .select('id')
      .where('id', '=', asset.id)
      .where('object_key', '=', asset.object_key)
      .executeTakeFirst()
    if (row === undefined) gone.abort(new Error('The asset was deleted while it was worked on'))
  }
  const timer = setInterval(() => {
    look().catch((error: unknown) => log.warn({ err: error }, 'nobody knows whether an asset is still there'))
  }, interval)
  try {
    await work({ ...run, signal: AbortSignal.any([run.signal, gone.signal]) })
  } catch (error) {
    if (!gone.signal.aborted || run.signal.aborted) throw error
  } finally {
    clearInterval(timer)
  }
}
