/**
 * File names as people send them, made safe to show, store and download. The name is a label: no path on disk and no
 * object key is ever made from it.
 */

import { fitFilename } from '../delivery/index.ts'

// C0 and C1 controls, and the Unicode controls that turn the direction of text (they make `gpj.exe` look like `exe.jpg`).
const unsafe = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu

/** The last path segment without control or direction marks, at most 255 bytes with its extension kept; never empty. */
export function cleanFilename(name: string): string {
  const segment = name.split(/[/\\]/).at(-1) ?? ''
  const clean = segment.toWellFormed().normalize('NFC').replace(unsafe, '').trim()
  if (clean === '' || /^\.+$/.test(clean)) return 'unnamed'
  return fitFilename(clean)
}
