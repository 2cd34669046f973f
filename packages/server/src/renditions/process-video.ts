/**
 * A video becomes visible first, then playable. Poster and sizes of it are committed while it is still being processed;
 * a video that plays everywhere as it is follows at once with its index at the start, any other is converted by a job of
 * its own, so that no photo waits behind a film.
 */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Db } from '../engines/database/database.ts'
import { announce, waitOf } from './announce.ts'
import type { AssetRow, RenditionContext, Run, Tx } from './context.ts'
import { describedBy } from './described.ts'
import { findCounterparts, joinLivePhoto } from './live-photos.ts'
import { keepRenditions } from './making.ts'
import { CannotDecode, isPlayback, type MadeFile, recipe } from './media.ts'
import { originalOf } from './original.ts'
import { everySize } from './process-image.ts'
import { rebuildKey } from './rebuild.ts'
import { withScratch } from './scratch.ts'
import { recordSha256 } from './settle.ts'
import { priorities } from './tasks.ts'
import type { VideoProbe } from './video/index.ts'

/** Throws `CannotDecode`, the store's errors, and whatever may be over next time. */
export async function processVideo(context: RenditionContext, asset: AssetRow, run: Run): Promise<void> {
  await withScratch(context.scratch, async (folder) => {
    const original = originalOf(context.store, asset, run.signal)
    const path = await original.reading(() => original.file(folder))
    await recordSha256(context.db, asset, await original.sha256())
    const probe = await context.videos.probe(path, asset.content_type, run.signal)
    const isKept = await makeVisible(context, asset, run, { folder, path, probe })
    if (!isKept || !probe.playsEverywhere) return
    const video = await copyPlayable(context, run, { folder, path, probe })
    // A decoder gets over damage that cannot be copied.
    if (video === null) return enqueuePlayback(context, context.db, asset, probe, run)
    await keepPlayable(context, asset, run, { ...video, name: 'video' }, [])
  })
}

/** Null when its packets cannot be taken over as they are. */
async function copyPlayable(
  { videos }: RenditionContext,
  run: Run,
  { folder, path, probe }: OpenVideo,
): Promise<MadeFile | null> {
  try {
    return await videos.fastStart(path, probe, { scratch: folder, ...run })
  } catch (error) {
    if (error instanceof CannotDecode && error.reason === 'undecodable') return null
    throw error
  }
}

interface OpenVideo {
  folder: string
  path: string
  probe: VideoProbe
}

async function makeVisible(
  context: RenditionContext,
  asset: AssetRow,
  run: Run,
  { folder, path, probe }: OpenVideo,
): Promise<boolean> {
  const started = performance.now()
  const waited = waitOf(asset, context.now())
  const metadata = await context.files.videoMetadata(path, asset.content_type, run)
  const poster = await context.videos.poster(path, probe, { scratch: folder, ...run })
  const { size } = await stat(poster.path)
  const { images, thumbhash } = await context.images.decode(
    { size, contentType: poster.contentType, open: async () => createReadStream(poster.path) },
    { sizes: everySize, metadata: false, priority: run.priority, signal: run.signal },
  )
  context.fault('process.read')
  const decode = performance.now() - started
  const made = [poster, ...images]
  return keepRenditions(context, asset, {
    made,
    replaces: (name) => !isPlayback(name) && name !== 'shareable' && name !== 'public',
    alsoLock: (tx) => findCounterparts(tx, asset, metadata?.contentIdentifier ?? null),
    async change(tx, current, others) {
      await joinLivePhoto(tx, current, others)
      return {
        ...describedBy(metadata, current),
        // One that is made anew goes on being shown.
        state: current.state === 'ready' ? 'ready' : 'processing',
        failure: null,
        pending: ['playback'],
        width: probe.picture?.width ?? null,
        height: probe.picture?.height ?? null,
        duration: probe.duration,
        thumbhash,
      }
    },
    async follow(tx, changed) {
      if (!probe.playsEverywhere) await enqueuePlayback(context, tx, changed, probe, run)
      await announce(tx, changed, {
        done: made.map(({ name }) => name),
        phases: { ...waited, decode, store: performance.now() - started - decode },
        attempt: run.attempt,
      })
    },
  })
}

/** Seconds times pixels: two minutes of 1080p. */
const clip = 120 * 1920 * 1080

/** A clip is watched in a moment and goes before films, which take long whoever waits for them. */
async function enqueuePlayback(
  { jobs }: RenditionContext,
  tx: Tx | Db,
  asset: AssetRow,
  { picture, duration }: VideoProbe,
  run: Run,
): Promise<void> {
  const isRebuild = asset.recipe !== null
  const key = isRebuild ? rebuildKey(asset.id, 'playback') : `asset:playback:${asset.id}`
  const isFilm = duration === null || duration * (picture?.width ?? 0) * (picture?.height ?? 0) > clip
  if (run.priority === 'interactive' && !isFilm) {
    await jobs.enqueue(tx, 'asset:playback', { assetId: asset.id }, { key })
    return
  }
  const priority = isRebuild ? priorities.rebuild : run.priority === 'bulk' ? priorities.bulk : priorities.film
  await jobs.enqueue(tx, 'asset:playback-bulk', { assetId: asset.id }, { key, priority })
}

/** It can be watched now: takes the place of everything that played before. `pending` names the sizes still to come. */
export async function keepPlayable(
  context: RenditionContext,
  asset: AssetRow,
  run: Run,
  made: MadeFile,
  pending: string[],
): Promise<boolean> {
  return keepRenditions(context, asset, {
    made: [made],
    replaces: isPlayback,
    change: async () => ({ state: 'ready', failure: null, recipe, pending }),
    async follow(tx, changed) {
      if (pending.length > 0) {
        const options = { key: `asset:variants:${asset.id}`, priority: priorities.variants }
        await context.jobs.enqueue(tx, 'asset:variants', { assetId: asset.id }, options)
      }
      await announce(tx, changed, { done: [made.name], attempt: run.attempt })
    },
  })
}
