/** Which files of an image a browser is given to choose from. */
import type { Asset } from '@heliograph/client'

export interface PictureSource {
  src: string
  /** Empty where there is but one. */
  srcset: string
  /** Pixels across the largest of them. */
  width: number
}

export interface Abilities {
  /** Whether the browser decodes AVIF. */
  avif: boolean
}

/** Pixels on the long side, as the server makes them. */
const sides = { small: 720, preview: 1440, large: 2560 } as const
const webFormats = new Set(['image/jpeg', 'image/png', 'image/webp', 'image/gif', 'image/avif'])
/** What is larger makes phones run out of memory: 50 megapixels take 200 MB decoded. */
const mostPixels = 50_000_000
const mostBytes = 40_000_000

type Source = Pick<Asset, 'contentType' | 'size' | 'width' | 'height' | 'animated' | 'urls'>

/** The sizes made of it and, where a browser shows it and it is larger, the original; null while there is nothing to show. */
export function pictureOf(asset: Source, { avif }: Abilities): PictureSource | null {
  const { width, height, urls } = asset
  const long = Math.max(width ?? 0, height ?? 0)
  const widthAt = (side: number) =>
    width === null || long === 0 ? side : Math.max(1, Math.round((width * Math.min(side, long)) / long))
  const urlAt = (name: keyof typeof sides) => (avif ? urls.avif?.[name] : null) ?? urls[name]
  const byUrl = new Map<string, number>()
  for (const [name, side] of Object.entries(sides) as [keyof typeof sides, number][]) {
    const url = urlAt(name)
    if (url !== null && !byUrl.has(url)) byUrl.set(url, widthAt(side))
  }
  const largest = Math.max(0, ...byUrl.values())
  if (urls.original !== null && isShownAsItIs(asset) && (width ?? 0) > largest) byUrl.set(urls.original, width ?? 0)
  const choices = [...byUrl].map(([url, across]) => ({ url, across })).sort((one, other) => one.across - other.across)
  const last = choices.at(-1)
  if (last === undefined) return urls.thumb === null ? null : { src: urls.thumb, srcset: '', width: widthAt(320) }
  const middle = choices.find(({ url }) => url === urlAt('preview')) ?? last
  return {
    src: middle.url,
    srcset: choices.length === 1 ? '' : choices.map(({ url, across }) => `${url} ${across}w`).join(', '),
    width: last.across,
  }
}

/** The file that moves, of a picture that does; null of others and where browsers do not play it. */
export function movingOf({ animated, contentType, urls }: Source): string | null {
  return animated && webFormats.has(contentType) ? urls.original : null
}

function isShownAsItIs({ contentType, size, width, height }: Source): boolean {
  return webFormats.has(contentType) && size <= mostBytes && (width ?? 0) * (height ?? 0) <= mostPixels
}

export interface Box {
  width: number
  height: number
}

/** Larger than any screen: it is shown as large as fits. */
const roomy = 8192

/**
 * How large it is at full zoom, in CSS pixels. Small pictures are not enlarged to the screen; what has no more pixels than
 * the largest file there is can be brought half as near again, and no nearer.
 */
export function boxOf(
  item: { ratio: number; kind: Asset['kind'] },
  asset: Source | null,
  picture: PictureSource | null,
): Box {
  const { width = null, height = null } = asset ?? {}
  const ratio = width !== null && height !== null && width > 0 && height > 0 ? width / height : item.ratio
  if (item.kind === 'image' && width !== null && picture !== null) {
    const across = Math.min(width, Math.round(picture.width * 1.5))
    return { width: across, height: Math.max(1, Math.round(across / ratio)) }
  }
  return ratio >= 1
    ? { width: roomy, height: Math.max(1, Math.round(roomy / ratio)) }
    : { width: Math.max(1, Math.round(roomy * ratio)), height: roomy }
}
