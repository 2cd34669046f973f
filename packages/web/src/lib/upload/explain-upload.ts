/** Why a file was not uploaded, and what to do: what every call can say, and what only files can. */
import { ApiProblem, SourceChanged, UploadGone } from '@heliograph/client'
import { formatBytes } from '../i18n/format.ts'
import { i18n } from '../i18n/i18n.svelte.ts'
import { explain } from '../ui/explain.ts'

export interface UploadLimits {
  /** Bytes; null when unknown. */
  maxFileSize: number | null
}

/** `intoAlbum`: the file was meant for an album. */
export function explainUpload(error: unknown, { maxFileSize }: UploadLimits, intoAlbum: boolean): string {
  const words = i18n.m.uploads.failures
  if (error instanceof SourceChanged) return words.changed
  if (error instanceof UploadGone) return words.gone
  // Names of the File API; what the worker read fails with the same ones.
  if (error instanceof Error && ['NotReadableError', 'NotFoundError'].includes(error.name)) return words.unreadable
  if (error instanceof ApiProblem) {
    if (error.code === 'file-too-large' && maxFileSize !== null) {
      return words.tooLarge(formatBytes(maxFileSize, i18n.region))
    }
    if (intoAlbum && (error.status === 403 || error.status === 404)) return words.albumForbidden
  }
  return explain(error)
}
