/**
 * What of the queue survives a reload, in IndexedDB: which files are on their way, and by what each is found again. That is
 * a handle of the file or of the folder it was dropped with (Chromium), the bytes themselves where nobody could choose them
 * again (pasted and shared ones), or else its name, size and date, to know it by when it is chosen again.
 *
 * It is a convenience. A browser that keeps nothing, as in private windows, costs the surviving and not the upload.
 */

export interface PendingFile {
  key: string
  /** The page that has it in its queue. */
  owner: string
  /** Whose it is: an account, or a link. */
  scope: string
  name: string
  path: string
  size: number
  type: string
  /** Milliseconds since 1970. */
  lastModified: number
  albumId: string | null
  uploadId: string | null
  /** Key of the handle that leads to it. */
  root: string | null
  blob: Blob | null
}

export interface PendingRoot {
  key: string
  owner: string
  handle: FileSystemHandle
}

export interface PendingStore {
  write(changes: {
    put?: readonly PendingFile[]
    remove?: readonly string[]
    roots?: readonly PendingRoot[]
  }): Promise<void>
  list(scope: string): Promise<PendingFile[]>
  /** Of all pages and people. */
  isEmpty(): Promise<boolean>
  root(key: string): Promise<FileSystemHandle | null>
  /** Forgets the handles of a page that has nothing left to find by them. */
  forgetRoots(owner: string): Promise<void>
}

export const pendingDatabase = 'heliograph-uploads'

export async function openPendingStore(): Promise<PendingStore> {
  try {
    return overDatabase(await openDatabase())
  } catch {
    // Forbidden, full, or broken: see above.
    return nothing
  }
}

const nothing: PendingStore = {
  write: async () => undefined,
  list: async () => [],
  isEmpty: async () => true,
  root: async () => null,
  forgetRoots: async () => undefined,
}

function openDatabase(): Promise<IDBDatabase> {
  const request = indexedDB.open(pendingDatabase, 1)
  request.onupgradeneeded = () => {
    request.result.createObjectStore('files', { keyPath: 'key' }).createIndex('scope', 'scope')
    request.result.createObjectStore('roots', { keyPath: 'key' }).createIndex('owner', 'owner')
  }
  return answerOf(request)
}

function overDatabase(database: IDBDatabase): PendingStore {
  // Whoever signs out deletes all of it; an open connection would keep that waiting.
  let isClosed = false
  database.onversionchange = () => {
    isClosed = true
    database.close()
  }

  /** Failures end here: see above. */
  async function attempt<T>(otherwise: T, work: () => Promise<T>): Promise<T> {
    if (isClosed) return otherwise
    try {
      return await work()
    } catch {
      return otherwise
    }
  }

  return {
    write: ({ put = [], remove = [], roots = [] }) =>
      attempt(undefined, async () => {
        const transaction = database.transaction(['files', 'roots'], 'readwrite')
        const files = transaction.objectStore('files')
        for (const root of roots) transaction.objectStore('roots').put(root)
        for (const file of put) files.put(file)
        for (const key of remove) files.delete(key)
        await endOf(transaction)
      }),
    list: (scope) =>
      attempt([], () => answerOf(database.transaction('files').objectStore('files').index('scope').getAll(scope))),
    isEmpty: () =>
      attempt(true, async () => (await answerOf(database.transaction('files').objectStore('files').count())) === 0),
    root: (key) =>
      attempt(null, async () => {
        const root: PendingRoot | undefined = await answerOf(
          database.transaction('roots').objectStore('roots').get(key),
        )
        return root?.handle ?? null
      }),
    forgetRoots: (owner) =>
      attempt(undefined, async () => {
        const transaction = database.transaction('roots', 'readwrite')
        const roots = transaction.objectStore('roots')
        for (const key of await answerOf(roots.index('owner').getAllKeys(owner))) roots.delete(key)
        await endOf(transaction)
      }),
  }
}

function answerOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

function endOf(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transaction.error)
  })
}
