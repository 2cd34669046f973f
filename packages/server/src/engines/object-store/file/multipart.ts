/**
 * Multipart uploads of the file store: a folder each, with one file per part. A part is written elsewhere and renamed
 * into the folder, and the folder is moved away as the upload ends, so a writer that comes late finds no folder and can
 * never alter the object.
 *
 * Completion first makes the object whole and durable under its key, then removes the folder. Whatever dies in between,
 * and whoever else completes at the same time, the next call finds either the folder, or the object, and goes on.
 */
import { createHash, randomBytes } from 'node:crypto'
import { link, mkdir, open, opendir, readdir, readFile, rename, rm, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { DigestMemory } from '../digest-memory.ts'
import {
  type MultipartUpload,
  type ObjectInfo,
  type ObjectKey,
  ObjectStoreError,
  type PartInfo,
} from '../object-store.ts'
import { hasCode, isMissing } from './errors.ts'
import { etagOf, statFile, toInfo } from './info.ts'
import { createJoin } from './join.ts'
import { type Layout, syncFolder } from './layout.ts'
import type { TemporaryNames } from './owner.ts'
import { isThere, type Publish } from './publish.ts'
import type { WrittenFile } from './write.ts'

/** Largest number of parts, the same as S3's. */
export const maxParts = 10_000

const descriptionName = 'upload.json'

/** Files whose attributes are read at once. */
const statBatch = 64

export interface FileMultiparts {
  create(key: ObjectKey): Promise<string>
  /** Throws `closed` when there is no such upload for this key. */
  assertOpen(key: ObjectKey, uploadId: string): Promise<void>
  /** Makes a finished temporary file this part, in place of an earlier one. */
  addPart(key: ObjectKey, uploadId: string, number: number, temporary: string, file: WrittenFile): Promise<PartInfo>
  listParts(key: ObjectKey, uploadId: string): Promise<PartInfo[]>
  complete(key: ObjectKey, uploadId: string, parts: PartInfo[]): Promise<ObjectInfo>
  abort(key: ObjectKey, uploadId: string): Promise<void>
  list(): AsyncIterable<MultipartUpload>
}

export interface FileMultipartsOptions {
  layout: Layout
  names: TemporaryNames
  publish: Publish
  digests: DigestMemory
}

export function createFileMultiparts({ layout, names, publish, digests }: FileMultipartsOptions): FileMultiparts {
  const joinParts = createJoin()
  /** Completions under way in this process, so that fifty calls at once copy the parts once. */
  const completing = new Map<string, Promise<ObjectInfo>>()

  /** An upload id begins with a hash of its key, so that the id of another key's upload opens nothing. */
  const idPrefix = (key: ObjectKey) => createHash('sha256').update(key).digest('hex').slice(0, 16)

  const isIdOf = (key: ObjectKey, uploadId: string) =>
    /^[0-9a-f]{48}$/.test(uploadId) && uploadId.startsWith(idPrefix(key))

  function folderOf(key: ObjectKey, uploadId: string): string {
    if (!isIdOf(key, uploadId)) throw closed(uploadId)
    return join(layout.multipart, uploadId)
  }

  /** Moved away first, so that it is gone at once for everybody; what a crash leaves of it in `tmp` is swept. */
  async function removeFolder(folder: string): Promise<void> {
    const doomed = join(layout.tmp, names.next())
    try {
      await rename(folder, doomed)
    } catch (error) {
      if (isMissing(error)) return
      throw error
    }
    await rm(doomed, { recursive: true, force: true })
  }

  async function headObject(key: ObjectKey): Promise<ObjectInfo | null> {
    const stats = await statFile(layout.objectPath(key))
    return stats === null ? null : toInfo(key, stats)
  }

  async function complete(key: ObjectKey, uploadId: string, parts: PartInfo[]): Promise<ObjectInfo> {
    const folder = folderOf(key, uploadId)
    let object = await headObject(key)
    if (object === null) {
      assertAscending(parts)
      try {
        await build(key, folder, parts)
      } catch (error) {
        // Another process may have been faster: then the parts are gone or the name is taken, and that is fine.
        object = await headObject(key)
        if (object === null) throw (await isThere(folder)) ? error : closed(uploadId)
      }
      object ??= await headObject(key)
      if (object === null) throw closed(uploadId)
    }
    // Also when another made the object: it may not have come as far as this yet, and we are about to say it is safe.
    await syncFolder(dirname(layout.objectPath(key)))
    await removeFolder(folder)
    return object
  }

  /** Makes the object from its parts. */
  async function build(key: ObjectKey, folder: string, parts: PartInfo[]): Promise<void> {
    const temporary = join(layout.tmp, names.next())
    const [first] = parts
    try {
      const sha256 =
        parts.length === 1 && first !== undefined
          ? await takeOnly(folder, first, temporary)
          : await joinAll(folder, parts, temporary)
      await publish(temporary, layout.objectPath(key))
      const object = await headObject(key)
      if (object !== null && sha256 !== null) digests.remember(key, object.etag, sha256)
    } finally {
      await rm(temporary, { force: true })
    }
  }

  /** A second name for the one part, no copy. The part may be replaced until then, so it is compared under its new name. */
  async function takeOnly(folder: string, part: PartInfo, temporary: string): Promise<Uint8Array | null> {
    const path = join(folder, String(part.number))
    try {
      await link(path, temporary)
    } catch (error) {
      if (isMissing(error)) throw invalidPart(part.number)
      // No hard links here: a copy does it too.
      if (hasCode(error, 'EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK'))
        return joinAll(folder, [part], temporary)
      throw error
    }
    if (etagOf(await stat(temporary)) !== part.etag) throw invalidPart(part.number)
    return digests.recall(path, part.etag)
  }

  async function joinAll(folder: string, parts: PartInfo[], temporary: string): Promise<Uint8Array> {
    const paths = parts.map((part) => ({ path: join(folder, String(part.number)), etag: part.etag }))
    const result = await joinParts({ parts: paths, target: temporary })
    if (result.outcome === 'changed') throw new ObjectStoreError('invalid-part', 'A part is missing or was replaced')
    return result.sha256
  }

  return {
    async create(key) {
      const uploadId = `${idPrefix(key)}${randomBytes(16).toString('hex')}`
      const draft = join(layout.tmp, names.next())
      await mkdir(draft)
      try {
        await writeDurably(join(draft, descriptionName), JSON.stringify({ key, initiatedAt: new Date().toISOString() }))
        await syncFolder(draft)
        await rename(draft, join(layout.multipart, uploadId))
      } catch (error) {
        await rm(draft, { recursive: true, force: true })
        throw error
      }
      await syncFolder(layout.multipart)
      return uploadId
    },

    async assertOpen(key, uploadId) {
      if (!(await isThere(folderOf(key, uploadId)))) throw closed(uploadId)
    },

    async addPart(key, uploadId, number, temporary, { stats, sha256 }) {
      const path = join(folderOf(key, uploadId), String(number))
      try {
        // Its bytes were flushed; its name need not be: a part that a power cut takes is not listed and comes again.
        await rename(temporary, path)
      } catch (error) {
        if (isMissing(error)) throw closed(uploadId)
        throw error
      }
      const part = { number, size: stats.size, etag: etagOf(stats) }
      if (number === 1) digests.remember(path, part.etag, sha256)
      return part
    },

    async listParts(key, uploadId) {
      const folder = folderOf(key, uploadId)
      try {
        const numbers = (await readdir(folder)).filter((name) => /^\d+$/.test(name)).map(Number)
        const parts: PartInfo[] = []
        for (let start = 0; start < numbers.length; start += statBatch) {
          const batch = numbers.slice(start, start + statBatch)
          parts.push(...(await Promise.all(batch.map((number) => readPart(folder, number)))))
        }
        return parts.sort((a, b) => a.number - b.number)
      } catch (error) {
        if (isMissing(error)) throw closed(uploadId)
        throw error
      }
    },

    complete(key, uploadId, parts) {
      const running = completing.get(uploadId)
      if (running !== undefined) return running
      const completion = complete(key, uploadId, parts).finally(() => completing.delete(uploadId))
      completing.set(uploadId, completion)
      return completion
    },

    async abort(key, uploadId) {
      if (!isIdOf(key, uploadId)) return
      await removeFolder(folderOf(key, uploadId))
      await syncFolder(layout.multipart)
    },

    async *list() {
      for await (const entry of await opendir(layout.multipart)) {
        const upload = await readDescription(join(layout.multipart, entry.name))
        if (upload !== null) yield { ...upload, uploadId: entry.name }
      }
    },
  }
}

function closed(uploadId: string): ObjectStoreError {
  return new ObjectStoreError('closed', `There is no multipart upload ${uploadId}`)
}

function invalidPart(number: number): ObjectStoreError {
  return new ObjectStoreError('invalid-part', `Part ${number} is missing or was replaced`)
}

function assertAscending(parts: PartInfo[]): void {
  const isAscending = parts.every((part, index) => index === 0 || part.number > (parts[index - 1]?.number ?? 0))
  if (parts.length === 0 || !isAscending) {
    throw new ObjectStoreError('invalid-part', 'Parts must be listed once each, in ascending order')
  }
}

async function readPart(folder: string, number: number): Promise<PartInfo> {
  const stats = await stat(join(folder, String(number)))
  return { number, size: stats.size, etag: etagOf(stats) }
}

/** Null when the upload ended meanwhile. */
async function readDescription(folder: string): Promise<{ key: ObjectKey; initiatedAt: Date } | null> {
  try {
    const { key, initiatedAt } = JSON.parse(await readFile(join(folder, descriptionName), 'utf8'))
    return { key, initiatedAt: new Date(initiatedAt) }
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const handle = await open(path, 'wx')
  try {
    await handle.writeFile(text)
    await handle.sync()
  } catch (error) {
    await unlink(path)
    throw error
  } finally {
    await handle.close()
  }
}
