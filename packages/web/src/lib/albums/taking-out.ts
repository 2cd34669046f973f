/** Takes photos out of an album, with a way back where there is one: only who added something can add it again. */
import { client } from '../api.ts'
import { changes } from '../grid/changes.ts'
import { i18n } from '../i18n/i18n.svelte.ts'
import { inBatches } from '../library/batches.ts'
import { confirm } from '../library/confirm.ts'
import { explain } from '../ui/explain.ts'
import { toasts } from '../ui/toasts.svelte.ts'
import { addToAlbum } from './adding.ts'
import type { OpenAlbum } from './open-album.svelte.ts'

/** False when nothing was taken out. */
export async function takeOut(album: OpenAlbum, ids: readonly string[]): Promise<boolean> {
  const words = i18n.m.albums
  if (!ids.every((id) => album.mayTakeOut(id))) {
    toasts.error(words.onlyYourOwn)
    return false
  }
  const isForeign = !ids.every((id) => album.isMine(id))
  if (isForeign) {
    return confirm({
      title: words.takeOutForeign(ids.length),
      text: words.takeOutForeignText,
      action: words.takeOut,
      run: () => remove(album, ids),
    })
  }
  try {
    await remove(album, ids)
  } catch (error) {
    toasts.error(explain(error))
    return false
  }
  toasts.show(words.takenOut(ids.length), {
    action: { label: i18n.m.common.undo, run: () => void putBack(album, ids) },
  })
  return true
}

async function remove(album: OpenAlbum, ids: readonly string[]): Promise<void> {
  for (const batch of inBatches(ids)) {
    await client.albums.takeOut(album.id, batch)
    changes.emit({ removed: batch })
  }
}

async function putBack(album: OpenAlbum, ids: readonly string[]): Promise<void> {
  try {
    await addToAlbum(album.id, ids)
    // By hand they were in a place that the server no longer knows; by time they are where they were.
    if (album.details?.order === 'custom') await album.source.reload()
    else changes.emit({ restored: ids })
  } catch (error) {
    toasts.error(explain(error))
  }
}
