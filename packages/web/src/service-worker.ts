/**
 * Keeps the site's own files, so that it opens without a network and an open page finds its parts after the server was
 * updated; and takes what a phone's share sheet sends.
 *
 * It never keeps an answer of the api nor a photo: what somebody may see can be taken from them at any time, and a shared
 * computer must not remember it. What could go wrong: a page from here that is older than the server. A page therefore comes
 * from the network whenever that answers in time, and files whose names do not change are asked for again.
 */
import { version } from '$app/env'
import { assets, immutable } from '$app/manifest'
import { self } from '$app/service-worker'
import { putShared, sharedFilesCache } from './lib/offline/shared-files.ts'
import { isAway, isImmutable, isPage, withoutFirstData } from './lib/offline/shell.ts'

const cacheName = `heliograph-site-${version}`
/** Under which the page is kept that stands behind every address. */
const shellPath = '/offline-shell'
/** Milliseconds that the network gets before a page is shown without it. */
const patience = 4_000
/** Files fetched at once, so that keeping the site does not slow down using it. */
const atOnce = 3

self.addEventListener('install', (event) => event.waitUntil(keepSite()))

self.addEventListener('activate', (event) =>
  event.waitUntil(
    (async () => {
      // The old version's pages are closed by now: nobody needs its files.
      for (const name of await caches.keys()) {
        if (name.startsWith('heliograph-site-') && name !== cacheName) await caches.delete(name)
      }
      // The page is asked for while the worker still starts.
      await self.registration.navigationPreload?.enable()
      // So that the first visit counts, and what is shared right after it arrives.
      await self.clients.claim()
    })(),
  ),
)

self.addEventListener('message', ({ data }) => {
  // Somebody chose to go to the new version now.
  if (data === 'activate') void self.skipWaiting()
})

self.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (url.origin !== self.location.origin) return
  if (request.method === 'POST' && url.pathname === '/share') event.respondWith(takeShare(request))
  else if (request.method !== 'GET') return
  else if (request.mode === 'navigate' && isPage(url.pathname)) event.respondWith(page(event))
  else if (isImmutable(url.pathname)) event.respondWith(fromCacheFirst(request))
  else if (assets.some(({ path }) => `/${path}`.replace('//', '/') === url.pathname)) {
    event.respondWith(fromNetworkFirst(request))
  }
})

async function keepSite(): Promise<void> {
  const cache = await caches.open(cacheName)
  await keepShell(cache)
  const paths = [...immutable, ...assets].map(({ path }) => new URL(path, `${self.location.origin}/`).pathname)
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let path = paths.shift(); path !== undefined; path = paths.shift()) await keep(cache, path)
    }),
  )
}

/** A file that is missing costs that file and not the worker. */
async function keep(cache: Cache, path: string): Promise<void> {
  try {
    await cache.add(path)
  } catch {
    // It is fetched when it is needed.
  }
}

async function keepShell(cache: Cache): Promise<void> {
  // Without a cookie, so that there is nobody's data in it to begin with.
  const response = await fetch('/', { credentials: 'omit', cache: 'no-store', headers: { accept: 'text/html' } })
  const html = response.ok ? withoutFirstData(await response.text()) : null
  if (html === null) throw new Error('The page of the site cannot be kept')
  const headers = new Headers(response.headers)
  for (const name of ['content-encoding', 'content-length', 'vary', 'link']) headers.delete(name)
  await cache.put(shellPath, new Response(html, { headers }))
}

async function page(event: FetchEvent): Promise<Response> {
  const network = fromNetwork(event)
  const late = new Promise<null>((resolve) => setTimeout(resolve, patience, null))
  const answer = await Promise.race([network.catch(() => null), late])
  if (answer !== null && !isAway(answer.status)) return answer
  const shell = await caches.match(shellPath, { cacheName })
  return shell ?? network
}

async function fromNetwork(event: FetchEvent): Promise<Response> {
  const preloaded: Response | undefined = await event.preloadResponse
  return preloaded ?? fetch(event.request)
}

/** Of any version: a page that was opened before an update still finds its parts. */
async function fromCacheFirst(request: Request): Promise<Response> {
  return (await caches.match(request)) ?? fetch(request)
}

async function fromNetworkFirst(request: Request): Promise<Response> {
  try {
    return await fetch(request)
  } catch (error) {
    const kept = await caches.match(request, { cacheName, ignoreSearch: true })
    if (kept === undefined) throw error
    return kept
  }
}

async function takeShare(request: Request): Promise<Response> {
  const batch = String(Date.now())
  try {
    const form = await request.formData()
    const files = form.getAll('files').filter((value): value is File => value instanceof File)
    if (files.length === 0) return Response.redirect('/photos?share=failed', 303)
    await putShared(await caches.open(sharedFilesCache), batch, files)
    return Response.redirect(`/photos?share=${batch}`, 303)
  } catch {
    // No room for them, or a form that is none.
    return Response.redirect('/photos?share=failed', 303)
  }
}
