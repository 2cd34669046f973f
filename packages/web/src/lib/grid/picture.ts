/**
 * Which file of a picture a tile shows. It depends on nothing but the item, so that the server can name the same files in the
 * head of the page (`packages/server/src/web/preload.ts`): the first `eagerPictures` of the timeline, by `src`, `srcset` and
 * `sizes` as they are here (as `href`, `imagesrcset` and `imagesizes`). A different answer there would fetch them twice.
 */
import type { TimelineItem } from './item.ts'
import { rowHeights } from './metrics.ts'

export const eagerPictures = 6

export interface Picture {
  src: string
  srcset: string | undefined
  sizes: string | undefined
}

const thumbSide = 320
const smallSide = 720
/** Dense as the screen of a phone may be (3.5 pixels to one), its tiles are small: all but panoramas get the thumb. */
const phoneHeight = 90
/** Width by height above which a phone is told no more width, and above which it is again. */
const phoneWidest = 1
const panorama = 2.5

/** Null while there is no thumb. */
export function pictureOf({ ratio, thumb, small }: Pick<TimelineItem, 'ratio' | 'thumb' | 'small'>): Picture | null {
  if (thumb === null) return null
  if (small === null || small === thumb) return { src: thumb, srcset: undefined, sizes: undefined }
  const widthOf = (side: number) => Math.max(1, Math.round(ratio >= 1 ? side : side * ratio))
  const sizes = rowHeights.map(({ below, height }, at) => {
    const shape = at > 0 || ratio > panorama ? ratio : Math.min(ratio, phoneWidest)
    const width = `${Math.max(1, Math.round(shape * (at === 0 ? phoneHeight : height)))}px`
    return below === Number.POSITIVE_INFINITY ? width : `(max-width: ${below - 1}px) ${width}`
  })
  return {
    src: thumb,
    srcset: `${thumb} ${widthOf(thumbSide)}w, ${small} ${widthOf(smallSide)}w`,
    sizes: sizes.join(', '),
  }
}
