/** The short video that some phones put behind the picture in one file: taken out and made to play everywhere. */
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { ObjectStoreError } from '../engines/object-store/index.ts'
import type { AssetRow, RenditionContext, Run } from './context.ts'
import type { MadeFile } from './media.ts'
import { variantHeights } from './video/index.ts'

/** Bytes; these videos last three seconds. */
const longestMotion = 256 * 2 ** 20

/** Empty when there is none, or it cannot be played: the photo is shown without. */
export async function makeMotion(
  context: RenditionContext,
  asset: AssetRow,
  motion: { start: number; length: number } | null,
  folder: string,
  { signal, priority }: Run,
): Promise<MadeFile[]> {
  if (motion === null || motion.length <= 0 || motion.length > longestMotion) return []
  if (motion.start + motion.length > asset.size) return []
  const path = join(folder, 'motion-original')
  const work = { scratch: folder, signal, priority }
  try {
    const range = { start: motion.start, end: motion.start + motion.length - 1 }
    const { body } = await context.store.get(asset.object_key, { range, signal })
    await pipeline(body, createWriteStream(path), { signal })
    const probe = await context.videos.probe(path, 'video/mp4', signal)
    if (probe.playsEverywhere) return [{ ...(await context.videos.fastStart(path, probe, work)), name: 'motion' }]
    // One variant of a stream is a file that plays by itself too.
    const [height] = probe.picture === null ? [] : variantHeights(probe.picture)
    if (height === undefined) return []
    return [
      {
        ...(await context.videos.hls(path, probe, height, work, () => undefined)),
        name: 'motion',
        detail: null,
      },
    ]
  } catch (error) {
    if (signal.aborted || error instanceof ObjectStoreError) throw error
    context.log.warn({ err: error, asset: asset.id }, 'the motion of a photo could not be made')
    return []
  }
}
