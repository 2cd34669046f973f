/** A name of the library as the name of a file here: nothing in it may lead out of the folder or mean something to a system. */

/** Names that Windows keeps for devices, with any extension. */
const reserved = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i

/** Most file systems take 255 bytes; `.part` and some room are left. */
const maxBytes = 240

/** Never empty, never hidden, without separators and control characters. `fallback` is for names of which nothing is left. */
export function safeFilename(name: string, fallback: string): string {
  const cleaned = name
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '')
    .replace(/[/\\:*?"<>|]/g, '_')
    .replace(/^[.\s]+|[.\s]+$/g, '')
  const named = cleaned === '' ? fallback : reserved.test(cleaned) ? `_${cleaned}` : cleaned
  return shorten(named)
}

/** Cuts before the extension, and never inside a character. */
function shorten(name: string): string {
  if (Buffer.byteLength(name) <= maxBytes) return name
  const extension = /\.[A-Za-z0-9]{1,10}$/.exec(name)?.[0] ?? ''
  const characters = [...name.slice(0, name.length - extension.length)]
  let stem = ''
  for (const character of characters) {
    if (Buffer.byteLength(stem + character + extension) > maxBytes) break
    stem += character
  }
  return stem + extension
}
