/** What must not stay on a device when somebody signs out of it: files that wait for their upload, and files shared to us. */

import { unfinishedMark } from '../upload/marks.ts'
import { pendingDatabase } from '../upload/pending-store.ts'
import { sharedFilesCache } from './shared-files.ts'

export async function forgetFiles(): Promise<void> {
  localStorage.removeItem(unfinishedMark)
  // Not there on pages without HTTPS.
  if ('caches' in globalThis) await caches.delete(sharedFilesCache)
  await new Promise<void>((resolve) => {
    const request = indexedDB.deleteDatabase(pendingDatabase)
    request.onsuccess = () => resolve()
    request.onerror = () => resolve()
    // Another page has it open; it lets go by itself.
    request.onblocked = () => resolve()
  })
}
