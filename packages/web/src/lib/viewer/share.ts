/** Passing a file on to another app of the device. */
import type { Asset } from '@heliograph/client'

/** Above this a file is not taken into memory. Bytes. */
const most = 300_000_000

/** Whether this device passes files on at all. */
export function sharesFiles(): boolean {
  if (typeof navigator.canShare !== 'function') return false
  return navigator.canShare({ files: [new File([''], 'photo.jpg', { type: 'image/jpeg' })] })
}

/** The file to share, or null when this one can not be: too large, or of a type that the device refuses. */
export async function fileToShare({ urls, filename, contentType, size }: Asset): Promise<File | null> {
  if (urls.original === null || size > most) return null
  if (!navigator.canShare({ files: [new File([''], filename, { type: contentType })] })) return null
  const response = await fetch(urls.original)
  return response.ok ? new File([await response.blob()], filename, { type: contentType }) : null
}
