/**
 * Saving originals. The browser itself does it, as its downloads are: it streams to the disk, shows how far it is, and can be
 * stopped; nothing is held in memory here. Several become one ZIP, asked for by a form because only a form's answer is a download.
 */
import type { Asset } from '@heliograph/client'
import { client } from '../api.ts'
import { i18n } from '../i18n/i18n.svelte.ts'
import { explain } from '../ui/explain.ts'
import { toasts } from '../ui/toasts.svelte.ts'

/** One ZIP takes as many. */
const most = 1000

export async function saveFiles(ids: readonly string[]): Promise<void> {
  if (ids.length > most) {
    toasts.error(i18n.m.photos.download.tooMany(most))
    return
  }
  const [only] = ids
  if (ids.length === 1 && only !== undefined) return saveOne(only)
  saveZip('/v1/assets/download', ids)
  toasts.show(i18n.m.photos.download.begun(ids.length))
}

async function saveOne(id: string): Promise<void> {
  try {
    const asset = await client.assets.get(id)
    saveOriginal(asset)
  } catch (error) {
    toasts.error(explain(error))
  }
}

/** Under its own name. From another origin the browser may show it instead, so it gets a tab of its own there. */
export function saveOriginal({ urls, filename }: Pick<Asset, 'urls' | 'filename'>): void {
  if (urls.original === null) return
  const link = document.createElement('a')
  link.href = urls.original
  link.download = filename
  link.rel = 'noopener'
  if (new URL(urls.original, location.href).origin !== location.origin) link.target = '_blank'
  document.body.append(link)
  link.click()
  link.remove()
}

/** `path`: of a call that takes `ids` and answers with a ZIP. What is no download comes to the frame, and is a failure. */
export function saveZip(path: string, ids: readonly string[]): void {
  // `crypto.randomUUID` does not exist on pages without HTTPS.
  const name = `download-${crypto.getRandomValues(new Uint32Array(2)).join('-')}`
  const frame = document.createElement('iframe')
  frame.name = name
  frame.hidden = true
  const form = document.createElement('form')
  form.method = 'post'
  form.action = path
  form.target = name
  form.hidden = true
  const field = document.createElement('input')
  field.name = 'ids'
  field.value = ids.join(',')
  form.append(field)
  document.body.append(frame, form)
  frame.addEventListener('load', () => {
    // The empty page that a frame begins with is no answer.
    if (isBlank(frame)) return
    toasts.error(i18n.m.photos.download.failed)
    frame.remove()
  })
  form.submit()
  form.remove()
  // Long enough for the answer to begin; the download itself does not need the frame.
  setTimeout(() => frame.remove(), 120_000)
}

function isBlank(frame: HTMLIFrameElement): boolean {
  try {
    return frame.contentWindow?.location.href === 'about:blank'
  } catch {
    // An error page of the browser cannot be looked into.
    return false
  }
}
