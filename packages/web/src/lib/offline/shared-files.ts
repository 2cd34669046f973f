/**
 * Files that a phone's share sheet gave us. The service worker gets them, and the page that it opens takes them out again;
 * in between they lie in a cache of their own, which both can reach. No imports of the site: the worker is built without it.
 */

export const sharedFilesCache = 'heliograph-shared'

const pathOf = (batch: string, index: number | '') => `/shared-files/${batch}/${index}`

export async function putShared(cache: Cache, batch: string, files: readonly File[]): Promise<void> {
  for (const [index, file] of files.entries()) {
    const headers = {
      'content-type': file.type === '' ? 'application/octet-stream' : file.type,
      'x-name': encodeURIComponent(file.name),
      'x-modified': String(file.lastModified),
    }
    await cache.put(pathOf(batch, index), new Response(file, { headers }))
  }
}

/** In the order in which they were shared. They are gone from here when the caller has them all. */
export async function takeShared(cache: Cache, batch: string): Promise<File[]> {
  const files: File[] = []
  const requests = (await cache.keys()).filter(({ url }) => new URL(url).pathname.startsWith(pathOf(batch, '')))
  for (const request of requests) {
    const response = await cache.match(request)
    if (response === undefined) continue
    const name = decodeURIComponent(response.headers.get('x-name') ?? 'shared')
    const type = response.headers.get('content-type') ?? ''
    const lastModified = Number(response.headers.get('x-modified') ?? Date.now())
    files.push(new File([await response.blob()], name, { type, lastModified }))
  }
  await Promise.all(requests.map((request) => cache.delete(request)))
  return files
}
