/**
 * Keeps objects as files in a folder. A body is written under a temporary name, flushed, given its final name by
 * `link(2)` (which fails when the name is taken) and the folder is flushed too: what is acknowledged survives a power
 * cut, and nothing half-written is ever seen. Several processes of one host, or of several on a shared file system, may
 * use the same folder.
 *
 * What could go wrong: a full disk is `full` and leaves nothing; every other refusal of the disk is `unavailable`; what a
 * killed process left in `tmp` is removed by `sweep`.
 */
import { closeSync, createReadStream, fsyncSync, mkdirSync, openSync } from 'node:fs'
import { access, constants, type FileHandle, lstat, open, opendir, rm, unlink } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import type { Fault } from '../faults/faults.ts'
import { createDigestMemory } from './digest-memory.ts'
import { isMissing, storing, toStoreError } from './file/errors.ts'
import { etagOf, statFile, toInfo } from './file/info.ts'
import { createFolders, createLayout, syncFolder } from './file/layout.ts'
import { createFileMultiparts, maxParts } from './file/multipart.ts'
import { createTemporaryNames } from './file/owner.ts'
import { createPublish, isThere, type Publish } from './file/publish.ts'
import { createFileWriter } from './file/write.ts'
import { isObjectKey } from './key.ts'
import { type ByteRange, type ObjectInfo, type ObjectStore, ObjectStoreError } from './object-store.ts'

export interface FileStoreOptions {
  /** Made when missing. */
  root: string
  /** False for a file system known to have no hard links; found out by itself when absent. */
  hardLinks?: boolean
  /** For crash tests. */
  fault?: Fault
}

export interface FileStore extends ObjectStore {
  readonly kind: 'file'
}

export function createFileStore({ root, hardLinks = true, fault = () => undefined }: FileStoreOptions): FileStore {
  const layout = createLayout(resolve(root))
  makeFolders(resolve(root), [layout.objects, layout.multipart, layout.tmp])
  const names = createTemporaryNames()
  const digests = createDigestMemory()
  const folders = createFolders(layout)
  const writer = createFileWriter()
  const publishDurably = createPublish(layout, folders, hardLinks)
  const publish: Publish = async (temporary, path) => {
    fault('store.written')
    await publishDurably(temporary, path)
    fault('store.published')
  }
  const multiparts = createFileMultiparts({ layout, names, publish, digests })

  /** Removes a temporary name. That it cannot be removed now changes no outcome: `sweep` is there for it. */
  const discard = (path: string) => unlink(path).catch(() => undefined)

  async function* walk(folder: string): AsyncGenerator<string> {
    try {
      for await (const entry of await opendir(folder)) {
        const path = join(folder, entry.name)
        if (entry.isDirectory()) yield* walk(path)
        else yield path
      }
    } catch (error) {
      // Folders go while others delete.
      if (!isMissing(error)) throw error
    }
  }

  return {
    kind: 'file',
    minPartSize: 1,
    maxParts,
    presigner: null,

    put(key, body, options) {
      return storing(async () => {
        const path = layout.objectPath(key)
        // Refused before a byte is written. The link below is what decides.
        if (await isThere(path)) throw new ObjectStoreError('exists', `${key} is taken`)
        const temporary = join(layout.tmp, names.next())
        const { stats, sha256 } = await writer.write(temporary, body, options)
        try {
          await publish(temporary, path)
        } finally {
          await discard(temporary)
        }
        digests.remember(key, etagOf(stats), sha256)
        return { ...toInfo(key, stats), sha256 }
      })
    },

    head(key) {
      return storing(async () => {
        const stats = await statFile(layout.objectPath(key))
        return stats === null ? null : toInfo(key, stats)
      })
    },

    get(key, { range, signal } = {}) {
      return storing(async () => {
        const handle = await openObject(layout.objectPath(key), key)
        try {
          signal?.throwIfAborted()
          const info = toInfo(key, await handle.stat())
          // The stream closes the handle when it ends, fails or is destroyed.
          const body = createReadStream('', { fd: handle, ...within(range, info), ...(signal && { signal }) })
          return { info, body }
        } catch (error) {
          await handle.close()
          throw error
        }
      })
    },

    localPath: (key) => layout.objectPath(key),

    attestedSha256(key) {
      return storing(async () => {
        const stats = await statFile(layout.objectPath(key))
        return stats === null ? null : digests.recall(key, etagOf(stats))
      })
    },

    delete(key) {
      return storing(async () => {
        const path = layout.objectPath(key)
        try {
          await unlink(path)
        } catch (error) {
          if (!isMissing(error)) throw error
        }
        digests.forget(key)
        try {
          // Also when it was gone: whoever unlinked it may have died before this.
          await syncFolder(join(path, '..'))
        } catch (error) {
          if (!isMissing(error)) throw error
        }
        await folders.prune(path)
      })
    },

    async *list(prefix = '') {
      try {
        for await (const path of walk(layout.folderOf(prefix))) {
          const key = layout.keyOf(relative(layout.objects, path))
          // A file that is no object of ours (`.DS_Store`, a person's notes) is not listed, so nobody deletes it.
          if (!key.startsWith(prefix) || !isObjectKey(key) || layout.objectPath(key) !== path) continue
          const stats = await statFile(path)
          if (stats !== null) yield toInfo(key, stats)
        }
      } catch (error) {
        throw toStoreError(error)
      }
    },

    createMultipart(key) {
      return storing(() => {
        layout.objectPath(key)
        return multiparts.create(key)
      })
    },

    putPart(key, uploadId, number, body, options) {
      return storing(async () => {
        assertPartNumber(number)
        await multiparts.assertOpen(key, uploadId)
        const temporary = join(layout.tmp, names.next())
        const file = await writer.write(temporary, body, options)
        try {
          return await multiparts.addPart(key, uploadId, number, temporary, file)
        } catch (error) {
          await discard(temporary)
          throw error
        }
      })
    },

    listParts(key, uploadId) {
      return storing(() => multiparts.listParts(key, uploadId))
    },

    completeMultipart(key, uploadId, parts) {
      return storing(() => multiparts.complete(key, uploadId, parts))
    },

    abortMultipart(key, uploadId) {
      return storing(() => multiparts.abort(key, uploadId))
    },

    listMultiparts() {
      return multiparts.list()
    },

    sweep() {
      return storing(async () => {
        let removed = 0
        for await (const { name } of await opendir(layout.tmp)) {
          const path = join(layout.tmp, name)
          try {
            if (!(await names.isAbandoned(name, (await lstat(path)).mtime))) continue
          } catch (error) {
            // Its owner was done with it just now.
            if (isMissing(error)) continue
            throw error
          }
          await rm(path, { recursive: true, force: true })
          removed += 1
        }
        return removed
      })
    },

    ping() {
      return storing(() => access(layout.tmp, constants.W_OK))
    },

    async close() {
      // Nothing is held between calls.
    },
  }
}

/** Synchronous, once at start: nothing can be stored before. */
function makeFolders(root: string, folders: string[]): void {
  for (const folder of folders) mkdirSync(folder, { recursive: true })
  for (const folder of [join(root, '..'), root]) {
    const fd = openSync(folder, 'r')
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  }
}

async function openObject(path: string, key: string): Promise<FileHandle> {
  let handle: FileHandle
  try {
    handle = await open(path, 'r')
  } catch (error) {
    if (isMissing(error)) throw new ObjectStoreError('not-found', `There is no object ${key}`)
    throw error
  }
  if ((await handle.stat()).isFile()) return handle
  await handle.close()
  throw new ObjectStoreError('not-found', `There is no object ${key}`)
}

/** What of the range lies within the object; throws `invalid-range` when nothing does. */
function within(range: ByteRange | undefined, { key, size }: ObjectInfo): Partial<ByteRange> {
  if (range === undefined) return {}
  if (range.start < 0 || range.end < range.start || range.start >= size) {
    throw new ObjectStoreError('invalid-range', `${key} has ${size} bytes, none from ${range.start} to ${range.end}`)
  }
  return { start: range.start, end: Math.min(range.end, size - 1) }
}

function assertPartNumber(number: number): void {
  if (!Number.isInteger(number) || number < 1 || number > maxParts) {
    throw new ObjectStoreError('invalid-part', `Part numbers go from 1 to ${maxParts}`)
  }
}
