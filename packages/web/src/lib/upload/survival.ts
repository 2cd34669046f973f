/**
 * Keeps the record of what is on its way in step with the queue, and finds what an earlier page left unfinished. Writes are
 * gathered, so that ten thousand small files are some transactions and not ten thousand.
 */
import { pausedMark, unfinishedMark } from './marks.ts'
import { openPendingStore, type PendingFile, type PendingRoot, type PendingStore } from './pending-store.ts'
import { createPresence } from './presence.ts'
import { findAgain } from './walk.ts'

/** Milliseconds in which changes are gathered. */
const gathering = 250

export type Survival = Awaited<ReturnType<typeof createSurvival>>

export async function createSurvival(scope: string) {
  const store: PendingStore = await openPendingStore()
  const presence = createPresence()
  const records = new Map<string, PendingFile>()
  const roots = new Map<FileSystemHandle, string>()
  /** This page, and those whose records it took over. */
  const owners = new Set([presence.id])
  const put = new Map<string, PendingFile>()
  const remove = new Set<string>()
  const newRoots: PendingRoot[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  let lastKey = 0
  let isPaused = false

  const nextKey = () => `${presence.id}-${++lastKey}`

  function soon(): void {
    timer ??= setTimeout(write, gathering)
  }

  async function write(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    const changes = { put: [...put.values()], remove: [...remove], roots: newRoots.splice(0) }
    put.clear()
    remove.clear()
    note()
    await store.write(changes)
    if (records.size > 0) return
    await noteEnd()
    // More came in the meantime.
    if (records.size > 0) return note()
    roots.clear()
    for (const owner of owners) await store.forgetRoots(owner)
    // Nothing left to be found again: other pages need not know of this one.
    if (records.size === 0) presence.leave()
  }

  function note(): void {
    if (records.size === 0) return
    try {
      localStorage.setItem(unfinishedMark, isPaused ? pausedMark : 'moving')
    } catch (error) {
      // A forbidden or full storage costs the surviving only.
      if (!(error instanceof DOMException)) throw error
    }
  }

  /** Nothing is left of this page; of others there may be. */
  async function noteEnd(): Promise<void> {
    if (!(await store.isEmpty())) return
    try {
      localStorage.removeItem(unfinishedMark)
    } catch (error) {
      // Where storage is forbidden there is no mark either.
      if (!(error instanceof DOMException)) throw error
    }
  }

  function rootKey(handle: FileSystemHandle): string {
    const known = roots.get(handle)
    if (known !== undefined) return known
    const key = nextKey()
    roots.set(handle, key)
    newRoots.push({ key, owner: presence.id, handle })
    return key
  }

  function save(record: PendingFile): void {
    presence.enter()
    records.set(record.key, record)
    put.set(record.key, record)
    soon()
  }

  return {
    /** Returns the key of the record. `keep`: nobody can choose the file again, so its bytes are kept. */
    remember(
      file: File,
      {
        path,
        albumId,
        root,
        keep,
      }: { path: string; albumId: string | null; root: FileSystemHandle | null; keep: boolean },
    ): string {
      const { name, size, type, lastModified } = file
      const key = nextKey()
      const found = { root: root === null ? null : rootKey(root), blob: keep ? file : null }
      save({ key, owner: presence.id, scope, name, path, size, type, lastModified, albumId, uploadId: null, ...found })
      return key
    },

    planned(key: string, uploadId: string): void {
      const record = records.get(key)
      if (record !== undefined) save({ ...record, uploadId })
    },

    forget(keys: Iterable<string>): void {
      for (const key of keys) {
        records.delete(key)
        put.delete(key)
        remove.add(key)
      }
      soon()
    },

    /** True when the file of the record needs nobody to choose it again. */
    isKept(key: string): boolean {
      const record = records.get(key)
      return record !== undefined && (record.root !== null || record.blob !== null)
    },

    paused(now: boolean): void {
      isPaused = now
      note()
    },

    /** What closed pages left; from now on it is this page's. */
    async claim(): Promise<PendingFile[]> {
      const claimed: PendingFile[] = []
      presence.enter()
      await presence.exclusively(async (alive) => {
        for (const record of await store.list(scope)) {
          if (record.owner === presence.id || alive.has(record.owner)) continue
          owners.add(record.owner)
          const mine = { ...record, owner: presence.id }
          records.set(mine.key, mine)
          claimed.push(mine)
        }
        // Within the exclusive time, so that the next page sees them taken.
        await store.write({ put: claimed })
      })
      if (claimed.length === 0 && records.size === 0) await write()
      return claimed
    },

    /**
     * The file of a record, or null when somebody has to choose it again. `ask`: a person pressed something, so the browser
     * may ask them for permission.
     */
    async fileOf(record: PendingFile, ask: boolean): Promise<File | null> {
      const { blob, root, path, name, type, size, lastModified } = record
      if (blob !== null) return new File([blob], name, { type, lastModified })
      const handle = root === null ? null : await store.root(root)
      if (handle === null || !(await isReadable(handle, ask))) return null
      try {
        const file = await findAgain(handle, path)
        return file.size === size && file.lastModified === lastModified ? file : null
      } catch (error) {
        if (error instanceof DOMException) return null
        throw error
      }
    },

    close: write,
  }
}

type PermissionHandle = FileSystemHandle & {
  queryPermission?: (options: { mode: 'read' }) => Promise<PermissionState>
  requestPermission?: (options: { mode: 'read' }) => Promise<PermissionState>
}

async function isReadable(handle: PermissionHandle, ask: boolean): Promise<boolean> {
  const state = (await handle.queryPermission?.({ mode: 'read' })) ?? 'granted'
  if (state !== 'prompt' || !ask) return state === 'granted'
  try {
    return (await handle.requestPermission?.({ mode: 'read' })) === 'granted'
  } catch (error) {
    // The press was too long ago; another one may ask again.
    if (error instanceof DOMException) return false
    throw error
  }
}
