/** What must not stay on a device when somebody signs out of it: files that wait for their upload, and files shared to us. */
import { sharedFilesCache } from '../offline/shared-files.ts'
import { closeAccountDoor } from './account-door.svelte.ts'
import { unfinishedMark } from './marks.ts'
import { pendingDatabase } from './pending-store.ts'

export async function forgetUploads(): Promise<void> {
  await closeAccountDoor()
  try {
    localStorage.removeItem(unfinishedMark)
    // Not there on pages without HTTPS.
    if ('caches' in globalThis) await caches.delete(sharedFilesCache)
  } catch (error) {
    // Where storage is forbidden, nothing was kept.
    if (!(error instanceof DOMException)) throw error
  }
  await new Promise<void>((resolve) => {
    const request = indexedDB.deleteDatabase(pendingDatabase)
    request.onsuccess = () => resolve()
    request.onerror = () => resolve()
    // Another page has it open; it lets go by itself.
    request.onblocked = () => resolve()
  })
}
