/** AVIF besides WebP: a third smaller, and several times as much work, so it comes last. */
import { announce } from './announce.ts'
import type { RenditionContext, Run } from './context.ts'
import { keepRenditions } from './making.ts'
import { CannotDecode } from './media.ts'
import { originalOf } from './original.ts'
import { everySize } from './process-image.ts'

/** What cannot be encoded is left out: the asset is complete without it. */
export async function makeAvif(context: RenditionContext, assetId: string, run: Run): Promise<void> {
  const asset = await context.db
    .selectFrom('asset')
    .selectAll()
    .where('id', '=', assetId)
    .where('state', '=', 'ready')
    .executeTakeFirst()
  if (asset === undefined) return
  const original = originalOf(context.store, asset, run.signal)
  const images = await original
    .reading(() =>
      context.images.decode(
        { size: asset.size, contentType: asset.content_type, open: original.open },
        { sizes: everySize, formats: ['avif'], metadata: false, priority: run.priority, signal: run.signal },
      ),
    )
    .then(
      (decoded) => decoded.images,
      (error: unknown) => {
        if (!(error instanceof CannotDecode)) throw error
        context.log.warn({ err: error, asset: asset.id }, 'AVIF could not be made')
        return []
      },
    )
  await keepRenditions(context, asset, {
    made: images,
    replaces: (name) => name.endsWith('-avif'),
    change: async (_tx, current) => ({ pending: current.pending.filter((name) => name !== 'avif') }),
    follow: (tx, changed) => announce(tx, changed, { done: images.map(({ name }) => name), attempt: run.attempt }),
  })
}
