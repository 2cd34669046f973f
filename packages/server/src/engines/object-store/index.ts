/** The object store of a deployment, chosen by its URL; and what callers need of it. */
import { fileURLToPath } from 'node:url'
import type { Fault } from '../faults/faults.ts'
import { createFileStore, type FileStore } from './file-store.ts'
import type { S3Store } from './s3-store.ts'

export { createFileStore, type FileStore } from './file-store.ts'
export { isObjectKey } from './key.ts'
export * from './object-store.ts'
export type { S3Store } from './s3-store.ts'

/**
 * `file:/absolute/folder`, `file:./relative/folder` (from the working folder) or
 * `s3://KEY:SECRET@bucket?endpoint=…&region=…&prefix=…`. Throws a `TypeError` that says what is wrong with any other.
 */
export async function openObjectStore(url: string, options: { fault?: Fault } = {}): Promise<FileStore | S3Store> {
  if (url.startsWith('s3:')) {
    // The SDK costs 25 MB, which a server that keeps its files itself need not carry.
    const { createS3Store } = await import('./s3-store.ts')
    return createS3Store({ url })
  }
  if (url.startsWith('file:')) return createFileStore({ root: folderOf(url), ...options })
  throw new TypeError('An object store is file:/folder or s3://bucket?endpoint=…')
}

/** A `file:` URL is always absolute; `file:./x` and `file:x` are an extension for a person at a shell. */
function folderOf(url: string): string {
  if (url.startsWith('file:/')) return fileURLToPath(url)
  const path = decodeURIComponent(url.slice('file:'.length))
  if (path === '') throw new TypeError('file: needs a folder')
  return path
}
