/**
 * How a browser is told to treat a file: shown or saved, and under which name. Files that could run script in the origin
 * that serves them are never shown, whoever asks.
 */
import { safeFilename } from './filename.ts'

export type Disposition = 'inline' | 'attachment'

/** Only pictures, film and sound are shown, and of those not the ones that are XML (SVG). */
export function safeDisposition(contentType: string, wanted: Disposition): Disposition {
  return /^(?:image|video|audio)\/(?!.*xml)/i.test(contentType) ? wanted : 'attachment'
}

/**
 * The `Content-Disposition` header (RFC 6266): the name in ASCII for the oldest clients, and where that is not the name,
 * in UTF-8 as `filename*` (RFC 8187), which wins.
 */
export function contentDisposition(disposition: Disposition, filename: string | null): string {
  if (filename === null) return disposition
  const name = safeFilename(filename)
  // Some clients decode `%` in the plain form, so it counts as foreign too.
  const ascii = name.replace(/[^\x20-\x7e]|%/gu, '_')
  const plain = `${disposition}; filename="${ascii}"`
  return ascii === name ? plain : `${plain}; filename*=UTF-8''${encodeExtended(name)}`
}

/** `ext-value` of RFC 8187: everything but its `attr-char` is percent-encoded. */
function encodeExtended(text: string): string {
  return encodeURIComponent(text).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}
