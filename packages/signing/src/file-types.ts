/**
 * Files that are served without a grant that names their type: public ones, and those under a signed prefix. Their type
 * follows from the extension of their key, which this program chose, and none of these can run script.
 */

/** Parts of an HLS presentation (RFC 8216), and stills. */
const types = new Map([
  ['webp', 'image/webp'],
  ['avif', 'image/avif'],
  ['jpg', 'image/jpeg'],
  ['mp4', 'video/mp4'],
  ['m4s', 'video/mp4'],
  ['m3u8', 'application/vnd.apple.mpegurl'],
  ['vtt', 'text/vtt'],
])

/** Null for an extension that has no fixed type. */
export function typeOfKey(key: string): string | null {
  return types.get(/\.([a-z0-9]+)$/.exec(key)?.[1] ?? '') ?? null
}

export interface PublicObject {
  key: string
  type: string
}

/**
 * The object behind a stable public URL, `/m/public/<32 hexadecimal digits>.<extension>`: whoever knows it may get it, for
 * ever. Null for everything else, which needs a signature. Give it path and query: a public URL has no query, so that
 * there is one URL, and one entry in every cache.
 */
export function publicObject(pathAndQuery: string): PublicObject | null {
  const key = /^\/m\/(public\/[0-9a-f]{32}\.(?:webp|avif|jpg|mp4))$/.exec(pathAndQuery)?.[1]
  const type = key === undefined ? null : typeOfKey(key)
  return key === undefined || type === null ? null : { key, type }
}
