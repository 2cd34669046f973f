/** Puts what was selected into an album, and tells how many of it are new there. */
import type { Album } from '@heliograph/client'
import { goto } from '$app/navigation'
import { client } from '../api.ts'
import { i18n } from '../i18n/i18n.svelte.ts'
import { inBatches } from '../library/batches.ts'
import { toasts } from '../ui/toasts.svelte.ts'

export async function addToAlbum(albumId: string, assetIds: readonly string[]): Promise<number> {
  let added = 0
  for (const batch of inBatches(assetIds)) {
    const { count } = await client.albums.add(albumId, batch)
    added += count
  }
  return added
}

/** With the way there. */
export function tellAdded({ id, title }: Pick<Album, 'id' | 'title'>, count: number): void {
  const words = i18n.m.albums
  toasts.show(count === 0 ? words.addedNone(title) : words.added(count, title), {
    action: { label: words.open, run: () => void goto(`/albums/${id}`) },
  })
}
