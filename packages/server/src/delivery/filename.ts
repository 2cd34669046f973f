/**
 * File names on their way out: in a header, in an archive, onto a visitor's disk. Whatever is stored, what leaves here is
 * one path segment that no system takes for anything else: no separators, no controls, no marks that turn the direction
 * of text (`exe.jpg` that is `gpj.exe`), nothing hidden, nothing Windows reserves.
 */

/** Bytes of UTF-8 that every common file system allows for one name. */
const longestName = 255

const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff<>:"/\\|?*]/gu
const reservedOnWindows = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i

/** At most `maxBytes` bytes of UTF-8: what is too long is cut from the stem, and the extension stays. */
export function fitFilename(name: string, maxBytes = longestName): string {
  return withSuffix(name, '', maxBytes)
}

/** Never empty; at most `maxBytes` bytes of UTF-8 with the extension kept. */
export function safeFilename(name: string, maxBytes = longestName): string {
  const clean = name
    .toWellFormed()
    .normalize('NFC')
    .replace(unsafe, '_')
    .replace(/^[\s.]+|[\s.]+$/g, '')
  const named = clean === '' ? 'file' : reservedOnWindows.test(clean) ? `_${clean}` : clean
  return fitFilename(named, maxBytes)
}

/** Gives out safe names of which no two are the same, also where case does not count: `a.jpg`, then `a (2).jpg`. */
export function createUniqueNames(): (name: string) => string {
  const taken = new Set<string>()
  // Where to go on counting, so that ten thousand files of one name do not cost a hundred million look-ups.
  const counts = new Map<string, number>()
  const take = (name: string) => {
    const folded = name.toLowerCase()
    if (taken.has(folded)) return false
    taken.add(folded)
    return true
  }
  return (wanted) => {
    const name = safeFilename(wanted)
    if (take(name)) return name
    for (let count = counts.get(name) ?? 2; ; count++) {
      const candidate = withSuffix(name, ` (${count})`, longestName)
      if (!take(candidate)) continue
      counts.set(name, count + 1)
      return candidate
    }
  }
}

/** `suffix` goes before the extension; what is too long is cut from the stem, between characters as people see them. */
function withSuffix(name: string, suffix: string, maxBytes: number): string {
  if (suffix === '' && byteLength(name) <= maxBytes) return name
  const dot = name.lastIndexOf('.')
  const extension = dot > 0 && byteLength(name) - byteLength(name.slice(0, dot)) <= 16 ? name.slice(dot) : ''
  const stem = name.slice(0, name.length - extension.length)
  return cut(stem, maxBytes - byteLength(suffix) - byteLength(extension)) + suffix + extension
}

function cut(text: string, maxBytes: number): string {
  if (byteLength(text) <= maxBytes) return text
  let length = 0
  let room = maxBytes
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    room -= byteLength(segment)
    if (room < 0) break
    length += segment.length
  }
  return text.slice(0, length)
}

const encoder = new TextEncoder()

/** Of UTF-8. Not `Buffer`'s: this also runs in the Cloudflare Worker. */
function byteLength(text: string): number {
  return encoder.encode(text).length
}
