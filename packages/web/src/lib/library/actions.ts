/**
 * What can be done with photos and videos, from wherever they are shown. It is shown at once; when the server does not agree,
 * it is taken back with a sentence that says why.
 */
import { client } from '../api.ts'
import { changes } from '../grid/changes.ts'
import { i18n } from '../i18n/i18n.svelte.ts'
import { session } from '../session/session.svelte.ts'
import { explain } from '../ui/explain.ts'
import { toasts } from '../ui/toasts.svelte.ts'
import { inBatches } from './batches.ts'
import { confirm } from './confirm.ts'

/** To the trash, with a way back. False when it did not work. */
export async function trash(ids: readonly string[]): Promise<boolean> {
  changes.emit({ removed: ids, isTrashed: true })
  const done = await attempt(ids, (batch) => client.request('POST', '/v1/assets/delete', { body: { ids: batch } }))
  if (done.failed.length > 0) changes.emit({ restored: done.failed })
  if (done.ok.length > 0) {
    const words = i18n.m.photos
    toasts.show(words.trashed(done.ok.length), {
      action: { label: i18n.m.common.undo, run: () => void restore(done.ok, { quietly: true }) },
    })
  }
  return done.failed.length === 0
}

/** Out of the trash. */
export async function restore(ids: readonly string[], options: { quietly?: boolean } = {}): Promise<boolean> {
  changes.emit({ restored: ids })
  const done = await attempt(ids, (batch) => client.request('POST', '/v1/assets/restore', { body: { ids: batch } }))
  if (done.failed.length > 0) changes.emit({ removed: done.failed, isTrashed: true })
  if (done.ok.length > 0 && options.quietly !== true) toasts.show(i18n.m.photos.restored(done.ok.length))
  return done.failed.length === 0
}

/** For good, once the person said so. Resolves when they did and it is done, or when they did not. */
export async function purge(ids: readonly string[]): Promise<boolean> {
  const words = i18n.m.photos.purge
  return confirm({
    title: words.title(ids.length),
    text: words.text,
    action: words.action,
    run: () => remove(ids),
  })
}

/** Asked for already. Throws when something is left. */
export async function remove(ids: readonly string[]): Promise<void> {
  for (const batch of inBatches(ids)) {
    await client.request('POST', '/v1/assets/delete', { body: { ids: batch, permanent: true } })
    changes.emit({ removed: batch })
  }
  void session.refresh().catch(() => undefined)
}

export async function setFavorite(ids: readonly string[], value: boolean): Promise<boolean> {
  changes.emit({ favorite: { ids, value } })
  const done = await attempt(ids, (batch) =>
    client.request('PATCH', '/v1/assets', { body: { ids: batch, favorite: value } }),
  )
  if (done.failed.length > 0) changes.emit({ favorite: { ids: done.failed, value: !value } })
  return done.failed.length === 0
}

/** Opens the choice of albums. True when they are in one. */
export async function addToAlbum(ids: readonly string[]): Promise<boolean> {
  const { pickAlbum } = await import('./pick-album.ts')
  return pickAlbum(ids)
}

export async function download(ids: readonly string[]): Promise<void> {
  const { saveFiles } = await import('./download.ts')
  await saveFiles(ids)
}

/** One batch after the other; what went wrong is told once, in words. */
async function attempt(
  ids: readonly string[],
  send: (batch: string[]) => Promise<unknown>,
): Promise<{ ok: string[]; failed: string[] }> {
  const ok: string[] = []
  for (const batch of inBatches(ids)) {
    try {
      await send(batch)
      ok.push(...batch)
    } catch (error) {
      toasts.error(explain(error))
      return { ok, failed: ids.slice(ok.length) }
    }
  }
  return { ok, failed: [] }
}
