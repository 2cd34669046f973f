/**
 * What the browser may do on a page of the site. Scripts and styles come from here alone; bytes of photos and videos also from
 * and to where they lie. Nothing inline runs but the scripts of the shell, which are named by their hashes.
 */

/** Of the attribute in SvelteKit's `root.svelte`. When that changes, the browser says so and a test fails. */
const announcerStyle = "'sha256-S8qMpvofolR8Mpjy4kQvEm7m1q8clzU4dfDH0AmvZjo='"

export interface PolicySources {
  scriptHashes: readonly string[]
  styleHashes: readonly string[]
  /** Origins besides our own that files are read from. */
  reading: readonly string[]
  /** Origins besides our own that files are sent to. */
  writing: readonly string[]
}

export function contentSecurityPolicy({ scriptHashes, styleHashes, reading, writing }: PolicySources): string {
  const directives: Record<string, readonly string[]> = {
    'default-src': ["'none'"],
    // Checksums of files are computed in WebAssembly; that word allows nothing else.
    'script-src': ["'self'", "'wasm-unsafe-eval'", ...scriptHashes],
    'style-src': ["'self'", ...styleHashes],
    // One attribute that SvelteKit writes itself, by its hash: it hides the text that tells screen readers of a new page.
    'style-src-attr': ["'unsafe-hashes'", announcerStyle],
    'font-src': ["'self'"],
    // Placeholders are data:, files that wait for their upload and films in pieces are blob:.
    'img-src': ["'self'", 'data:', 'blob:', ...reading],
    'media-src': ["'self'", 'blob:', ...reading],
    'connect-src': unique(["'self'", ...reading, ...writing]),
    'worker-src': ["'self'", 'blob:'],
    'manifest-src': ["'self'"],
    'form-action': ["'self'"],
    'base-uri': ["'none'"],
    // The hidden frame that a form's answer goes to, so that the browser saves it (`lib/library/download.ts`).
    'frame-src': ["'self'"],
    'frame-ancestors': ["'none'"],
    'object-src': ["'none'"],
  }
  return Object.entries(directives)
    .map(([name, sources]) => `${name} ${sources.join(' ')}`)
    .join('; ')
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)]
}

/** Abilities of the device that no page here asks for, and that nothing on it shall. */
const unused = [
  'accelerometer',
  'camera',
  'display-capture',
  'geolocation',
  'gyroscope',
  'magnetometer',
  'microphone',
  'midi',
  'payment',
  'usb',
]

/** For every answer of the site. */
export const fileHeaders: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
}

/** Besides the Content-Security-Policy, for what a browser shows or runs by itself: pages and workers. */
export const pageHeaders: Readonly<Record<string, string>> = {
  ...fileHeaders,
  // Tokens of shared links are in paths.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': unused.map((feature) => `${feature}=()`).join(', '),
}
