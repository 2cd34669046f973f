/** An image: one decode for all sizes, metadata and thumbhash, then the motion that some cameras put behind the photo. */

import { announce, waitOf } from './announce.ts'
import { enqueueAvatar } from './avatar.ts'
import type { AssetRow, RenditionContext, Run } from './context.ts'
import { describedBy } from './described.ts'
import { findCounterparts, joinLivePhoto } from './live-photos.ts'
import { keepRenditions } from './making.ts'
import { type ImageSize, imageSizes, recipe } from './media.ts'
import { makeMotion } from './motion.ts'
import { originalOf } from './original.ts'
import { withScratch } from './scratch.ts'
import { recordSha256 } from './settle.ts'

export const everySize = Object.keys(imageSizes) as ImageSize[]

/** Throws `CannotDecode`, the store's errors, and whatever may be over next time. */
export async function processImage(context: RenditionContext, asset: AssetRow, run: Run): Promise<void> {
  const original = originalOf(context.store, asset, run.signal)
  const started = performance.now()
  const waited = waitOf(asset, context.now())
  const decoded = await original.reading(() =>
    context.images.decode(
      { size: asset.size, contentType: asset.content_type, open: original.open },
      { sizes: everySize, metadata: true, priority: run.priority, signal: run.signal },
    ),
  )
  context.fault('process.read')
  await recordSha256(context.db, asset, await original.sha256())
  const decode = performance.now() - started
  const { width, height, animated, thumbhash, images, metadata } = decoded
  const pending = context.avif ? ['avif'] : []

  await withScratch(context.scratch, async (folder) => {
    const motion = await makeMotion(context, asset, metadata?.motion ?? null, folder, run)
    const made = [...images, ...motion]
    await keepRenditions(context, asset, {
      made,
      replaces: (name) => name !== 'shareable' && name !== 'public',
      alsoLock: (tx) => findCounterparts(tx, asset, metadata?.contentIdentifier ?? null),
      async change(tx, current, others) {
        await joinLivePhoto(tx, current, others)
        return {
          ...describedBy(metadata, current),
          state: 'ready',
          failure: null,
          recipe,
          pending,
          width,
          height,
          animated,
          thumbhash,
        }
      },
      async follow(tx, changed) {
        if (context.avif) {
          await context.jobs.enqueue(
            tx,
            'asset:avif',
            { assetId: asset.id },
            { key: `asset:avif:${asset.id}`, priority: 40 },
          )
        }
        await enqueueAvatar(context.jobs, tx, changed)
        await announce(tx, changed, {
          done: made.map(({ name }) => name),
          phases: { ...waited, decode, store: performance.now() - started - decode },
          attempt: run.attempt,
        })
      },
    })
  })
}
