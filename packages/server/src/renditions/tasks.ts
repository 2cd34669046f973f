/**
 * The jobs of renditions, in lanes of their own: what somebody waits for never waits behind what comes in bulk, a photo
 * never behind a film, and each kind goes on whatever the others have to do.
 */
import type { Lane, TaskContext, Tasks } from '../engines/jobs/jobs.ts'
import { publishAvatar } from './avatar.ts'
import { makeAvif } from './avif.ts'
import type { RenditionContext, Run } from './context.ts'
import { makePlayable, makeVariants } from './playback.ts'
import { processAsset } from './process.ts'
import { makeShareable } from './shareable.ts'

declare module '../engines/jobs/jobs.ts' {
  interface TaskPayloads {
    /** Makes an asset visible: all renditions of an image, poster and thumb of a video. */
    'asset:process': { assetId: string }
    /** The same for a video, which may have to be brought here from a store elsewhere first. */
    'asset:process-video': { assetId: string }
    /** The same for what nobody waits for. `rebuild` makes anew what is there already. */
    'asset:process-bulk': { assetId: string; rebuild?: boolean }
    /** Makes a video playable everywhere. */
    'asset:playback': { assetId: string }
    /** The same for films, and for what nobody waits for. */
    'asset:playback-bulk': { assetId: string }
    /** The further sizes of a video. */
    'asset:variants': { assetId: string }
    'asset:avif': { assetId: string }
    /** A copy of the original that does not tell where it was taken. */
    'asset:shareable': { assetId: string }
  }
}

/** Lower runs first, within the lanes of bulk work. */
export const priorities = { film: 5, bulk: 10, rebuild: 20, variants: 30, avif: 40 } as const

/**
 * More photos under way than are decoded at once: storing durably takes as long as decoding and waits for the disk, and
 * meanwhile the decoders have others. Each holds its renditions in memory, a megabyte or two.
 */
const whileStoring = 2

export interface RenditionLanes {
  /** Images at once of each kind of work. */
  images: number
  /** Films at once of each kind of work; ffmpeg uses several cores for one. */
  videos: number
}

/** Light work, for the lane of everything that is done in a moment. */
export function renditionTasks(context: RenditionContext): Pick<Tasks, 'avatar:publish'> {
  return { 'avatar:publish': ({ accountId }) => publishAvatar(context, accountId) }
}

export function renditionLanes(context: RenditionContext, { images, videos }: RenditionLanes): Lane[] {
  const interactive = ({ attempt, signal }: TaskContext): Run => ({ attempt, signal, priority: 'interactive' })
  const bulk = ({ attempt, signal }: TaskContext): Run => ({ attempt, signal, priority: 'bulk' })
  return [
    {
      concurrency: videos + 1,
      tasks: {
        'asset:process-video': ({ assetId }, task) =>
          processAsset(context, { assetId, rebuild: false }, interactive(task)),
      },
    },
    {
      concurrency: images + whileStoring,
      tasks: {
        'asset:process': ({ assetId }, task) => processAsset(context, { assetId, rebuild: false }, interactive(task)),
        'asset:shareable': ({ assetId }, task) => makeShareable(context, assetId, interactive(task)),
      },
    },
    {
      concurrency: images + whileStoring,
      tasks: {
        'asset:process-bulk': ({ assetId, rebuild }, task) =>
          processAsset(context, { assetId, rebuild: rebuild === true }, bulk(task)),
        'asset:avif': ({ assetId }, task) => makeAvif(context, assetId, bulk(task)),
      },
    },
    {
      concurrency: videos,
      tasks: { 'asset:playback': ({ assetId }, task) => makePlayable(context, assetId, interactive(task)) },
    },
    {
      concurrency: videos,
      tasks: {
        'asset:playback-bulk': ({ assetId }, task) => makePlayable(context, assetId, bulk(task)),
        'asset:variants': ({ assetId }, task) => makeVariants(context, assetId, bulk(task)),
      },
    },
  ]
}
