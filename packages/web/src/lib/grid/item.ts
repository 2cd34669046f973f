/** What a tile of the grid needs to know of a photo or video; the timeline sends just this, other lists bring whole assets. */
import type { Asset } from '@heliograph/client'

export interface TimelineItem {
  id: string
  /** Wall clock where it was taken, without a zone: `2026-11-03T10:20:30.000`. */
  takenAt: string
  /** Width by height; 1 while unknown. */
  ratio: number
  kind: Asset['kind']
  /** Seconds. */
  duration: number | null
  favorite: boolean
  state: Asset['state']
  motion: boolean
  animated: boolean
  /** Base64. */
  thumbhash: string | null
  /** Signed URL, 320 px on the long side. */
  thumb: string | null
  /** Signed URL, 720 px on the long side. */
  small: string | null
}

export function itemOf(asset: Asset): TimelineItem {
  const { id, kind, duration, favorite, state, animated, thumbhash, width, height, urls } = asset
  return {
    id,
    takenAt: wallClock(asset),
    ratio: width === null || height === null || height === 0 ? 1 : width / height,
    kind,
    duration,
    favorite,
    state,
    motion: urls.motion !== null,
    animated,
    thumbhash,
    thumb: urls.thumb,
    small: urls.small,
  }
}

function wallClock({ capturedAt, capturedOffset }: Pick<Asset, 'capturedAt' | 'capturedOffset'>): string {
  return new Date(Date.parse(capturedAt) + (capturedOffset ?? 0) * 60_000).toISOString().slice(0, -1)
}
