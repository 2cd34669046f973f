/** Which of the files that somebody drops are photos and videos, by their names and types; the server looks inside. */

const photos = [
  ...['jpg', 'jpeg', 'jpe', 'mpo', 'png', 'apng', 'gif', 'webp', 'heic', 'heif', 'hif', 'avif', 'avifs', 'jxl', 'svg'],
  ...['tif', 'tiff', 'dng', 'cr2', 'cr3', 'crw', 'nef', 'arw', 'gpr', 'rw2', 'orf', 'raf', 'pef'],
]
const videos = [
  ...['mp4', 'm4v', 'mov', 'qt', '3gp', '3g2', 'webm', 'mkv', 'avi', 'mpg', 'mpeg', 'ts', 'mts', 'm2ts', 'wmv', 'asf'],
]
const extensions = new Set([...photos, ...videos])

/** For `<input accept>`. The first two bring the camera of a phone; browsers know no type for the others. */
export const acceptedFiles = ['image/*', 'video/*', ...[...extensions].map((extension) => `.${extension}`)].join(',')

export type FileKind =
  | 'media'
  /** Kept by systems and cameras for themselves; nobody meant to upload it. */
  | 'hidden'
  | 'other'

const hiddenNames = new Set(['thumbs.db', 'ehthumbs.db', 'desktop.ini', 'icon\r'])
/** Copies and caches that archives, Synology and QNAP keep beside the photos. */
const hiddenFolders = new Set([
  '__macosx',
  '@eadir',
  '.@__thumb',
  '#recycle',
  '$recycle.bin',
  'system volume information',
])

export function kindOfFile({ name, type, size }: { name: string; type: string; size: number }): FileKind {
  if (name.startsWith('.') || hiddenNames.has(name.toLowerCase())) return 'hidden'
  const extension = extensionOf(name)
  // TypeScript has the ending of MPEG transport streams, which come in packets of 188 or 192 bytes.
  if (extension === 'ts' && size % 188 !== 0 && size % 192 !== 0) return 'other'
  return extensions.has(extension) || /^(?:image|video)\//.test(type) ? 'media' : 'other'
}

export function isHiddenFolder(name: string): boolean {
  return name.startsWith('.') || hiddenFolders.has(name.toLowerCase())
}

export function isVideo({ name, type }: { name: string; type: string }): boolean {
  return type.startsWith('video/') || videos.includes(extensionOf(name))
}

function extensionOf(name: string): string {
  return name.includes('.') ? name.slice(name.lastIndexOf('.') + 1).toLowerCase() : ''
}
