/** What the service worker decides, apart from the browser it runs in, so that it can be tested. */

/** Paths that are no pages of the site: the api, the bytes, what operators look at. */
const notPages = /^\/(?:v1|m|u|docs|problems|_app|\.well-known|healthz|readyz|metrics|share)(?:\/|$)/

export function isPage(path: string): boolean {
  return !notPages.test(path) && !/\.[a-z0-9]+$/i.test(path)
}

/** Their names change with their bytes. */
export function isImmutable(path: string): boolean {
  return path.startsWith('/_app/immutable/')
}

const firstData = /(<script type="application\/json" id="heliograph-first">)[^<]*(<\/script>)/

/**
 * The page behind every address without anybody's data in it: no names, no photos, and nothing that claims nobody is signed
 * in. Null when that cannot be told for sure, and then it is not kept.
 */
export function withoutFirstData(html: string): string | null {
  if (html.split('id="heliograph-first"').length !== 2 || !firstData.test(html)) return null
  // The first pictures that the head names are somebody's too.
  return html.replace(firstData, '$1null$2').replace(/<link rel="preload" as="image"[^>]*>/g, '')
}

/** Servers that are away behind a proxy answer so. */
export function isAway(status: number): boolean {
  return status === 502 || status === 503 || status === 504
}
