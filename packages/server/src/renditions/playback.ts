/** Converting videos that do not play everywhere: one size to begin with, then the others. */
import { announce, announcingProgress } from './announce.ts'
import type { AssetRow, RenditionContext, Run } from './context.ts'
import { keepRenditions } from './making.ts'
import { CannotDecode } from './media.ts'
import { originalOf } from './original.ts'
import { keepPlayable } from './process-video.ts'
import { withScratch } from './scratch.ts'
import { attempts, settleFailure } from './settle.ts'
import { type VariantHeight, type VideoProbe, variantHeights } from './video/index.ts'
import { whileThere } from './while-there.ts'

/** `asset:playback`: makes the first size, and the video ready. Leaves alone what plays already. */
export async function makePlayable(context: RenditionContext, assetId: string, run: Run): Promise<void> {
  const asset = await findPending(context, assetId, (name) => name === 'playback')
  if (asset === undefined) return
  try {
    await withOriginal(context, asset, run, async ({ folder, path, probe }, run) => {
      const [first, ...others] = probe.picture === null ? [] : variantHeights(probe.picture)
      if (first === undefined) throw new CannotDecode('undecodable', 'There is no picture in this file.')
      const made = await context.videos.hls(
        path,
        probe,
        first,
        { scratch: folder, ...run },
        announcingProgress(context, asset, nameOf(first)),
      )
      await keepPlayable(context, asset, run, { ...made, name: nameOf(first) }, others.map(nameOf))
    })
  } catch (error) {
    await settleFailure(context, asset, run, error)
  }
}

/** `asset:variants`: the other sizes, each committed when it is made. */
export async function makeVariants(context: RenditionContext, assetId: string, run: Run): Promise<void> {
  const asset = await findPending(context, assetId, (name) => name.startsWith('hls-'))
  if (asset === undefined) return
  await withOriginal(context, asset, run, async ({ folder, path, probe }, run) => {
    for (const height of probe.picture === null ? [] : variantHeights(probe.picture)) {
      if (!asset.pending.includes(nameOf(height))) continue
      if (!(await makeVariant(context, asset, run, { folder, path, probe, height }))) return
    }
  })
}

interface VariantWork {
  folder: string
  path: string
  probe: VideoProbe
  height: VariantHeight
}

/** Returns false when the asset is gone. A size that cannot be made is left out: the video plays without it. */
async function makeVariant(
  context: RenditionContext,
  asset: AssetRow,
  run: Run,
  { folder, path, probe, height }: VariantWork,
): Promise<boolean> {
  const name = nameOf(height)
  const made = await context.videos
    .hls(path, probe, height, { scratch: folder, ...run }, announcingProgress(context, asset, name))
    .catch((error: unknown) => {
      const isFinal = error instanceof CannotDecode || run.attempt >= attempts
      if (run.signal.aborted || !isFinal) throw error
      context.log.warn({ err: error, asset: asset.id, variant: name }, 'a size of a video could not be made')
      return null
    })
  return keepRenditions(context, asset, {
    made: made === null ? [] : [{ ...made, name }],
    replaces: () => false,
    change: async (_tx, current) => ({ pending: current.pending.filter((one) => one !== name) }),
    follow: (tx, changed) => announce(tx, changed, { done: made === null ? [] : [name], attempt: run.attempt }),
  })
}

async function findPending(
  { db }: RenditionContext,
  assetId: string,
  isWanted: (name: string) => boolean,
): Promise<AssetRow | undefined> {
  const asset = await db.selectFrom('asset').selectAll().where('id', '=', assetId).executeTakeFirst()
  return asset?.pending.some(isWanted) === true ? asset : undefined
}

/** Gives `work` the video as a file, and a run that ends when the asset is deleted. */
async function withOriginal(
  context: RenditionContext,
  asset: AssetRow,
  run: Run,
  work: (video: Omit<VariantWork, 'height'>, run: Run) => Promise<void>,
): Promise<void> {
  await whileThere(context, asset, run, (run) =>
    withScratch(context.scratch, async (folder) => {
      const original = originalOf(context.store, asset, run.signal)
      const path = await original.reading(() => original.file(folder))
      const probe = await context.videos.probe(path, asset.content_type, run.signal)
      await work({ folder, path, probe }, run)
    }),
  )
}

const nameOf = (height: VariantHeight) => `hls-${height}`
