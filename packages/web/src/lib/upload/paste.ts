/** Images on the clipboard: copied files, or a picture without a name such as a screenshot. */
import { i18n } from '../i18n/i18n.svelte.ts'
import type { Found } from './walk.ts'

/** Empty when the paste is meant for a field of text. Takes the event when there are files. */
export function pastedFiles(event: ClipboardEvent): Found[] {
  const files = [...(event.clipboardData?.files ?? [])]
  if (files.length === 0) return []
  // A copied cell or paragraph comes as text and as a picture of itself.
  if (isTextField(event.target) && event.clipboardData?.types.includes('text/plain') === true) return []
  event.preventDefault()
  return files.map((file) => ({ file: named(file), path: '', root: null }))
}

/** Browsers call every picture without a name `image.png`. */
function named(file: File): File {
  if (!/^image\.\w+$/.test(file.name)) return file
  const now = new Date()
  const time = new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
  const name = `${i18n.m.uploads.pastedName(time.replace('T', ' ').replaceAll(':', '.'))}${file.name.slice(5)}`
  return new File([file], name, { type: file.type, lastModified: file.lastModified })
}

function isTextField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA)$/.test(target.tagName))
}
