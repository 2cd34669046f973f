/** What all slides of a viewer share. */
import type { Asset } from '@heliograph/client'
import type { TimelineItem } from '../grid/item.ts'
import type { Assets } from './assets.svelte.ts'

export interface SlideShared {
  assets: Assets
  avif: boolean
  /** Whether slides beside the one that is looked at load their pictures. */
  loadsAhead: boolean
  canDownload: boolean
  download(asset: Asset): void
  /** Where it is read out: what is to be seen. */
  altOf(item: TimelineItem, asset: Asset | null): string
}
