/** `asset:process`: from an original to what people look at. */
import type { RenditionContext, Run } from './context.ts'
import { processImage } from './process-image.ts'
import { processVideo } from './process-video.ts'
import { settleFailure } from './settle.ts'

/**
 * Safe to repeat, and to run twice at once: each run makes its own files, and whichever commits last gives the other's up.
 * An asset that is ready is left alone unless it is to be rebuilt.
 */
export async function processAsset(
  context: RenditionContext,
  { assetId, rebuild }: { assetId: string; rebuild: boolean },
  run: Run,
): Promise<void> {
  const asset = await context.db.selectFrom('asset').selectAll().where('id', '=', assetId).executeTakeFirst()
  if (asset === undefined || (asset.state !== 'processing' && !rebuild)) return
  try {
    await (asset.kind === 'image' ? processImage : processVideo)(context, asset, run)
  } catch (error) {
    await settleFailure(context, asset, run, error)
  }
}
