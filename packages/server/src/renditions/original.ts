/**
 * An original as a job reads it: once, with its SHA-256 taken on the way when nobody knows it yet. Decoders hide why their
 * source broke, so the first error of the store is kept and told in place of theirs.
 */
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { readSha256 } from '../engines/object-store/digest.ts'
import type { ObjectStore } from '../engines/object-store/index.ts'
import type { AssetRow } from './context.ts'

export interface Original {
  open(): Promise<Readable>
  /** Where it lies on this machine; brought into `folder` from a store elsewhere. */
  file(folder: string): Promise<string>
  /** 32 bytes. Reads it once more when nobody has read it to its end. */
  sha256(): Promise<Uint8Array>
  /** Does the work; when the store failed meanwhile, throws the store's error. */
  reading<T>(work: () => Promise<T>): Promise<T>
}

/** Bytes left free on the disk, which databases and uploads share with the originals that are brought here. */
const reserve = 2 ** 30

/** A film that filled the disk would take everything else down with it: rather its job waits for room. */
async function assertRoomFor(size: number, folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  if (size + reserve > bavail * bsize) throw new Error(`There is no room for ${size} bytes in the scratch folder.`)
}

export function originalOf(store: ObjectStore, asset: AssetRow, signal: AbortSignal): Original {
  let known: Uint8Array | null = asset.sha256
  /** The first error of the store. */
  let broken: unknown = null

  const failing = (error: unknown): never => {
    broken ??= error
    throw error
  }

  async function open(): Promise<Readable> {
    const { body } = await store.get(asset.object_key, { signal }).catch(failing)
    body.once('error', (error) => {
      if (!signal.aborted) broken ??= error
    })
    return known === null ? Readable.from(hashing(body), { objectMode: false }) : body
  }

  async function* hashing(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const hash = createHash('sha256')
    for await (const chunk of body) {
      hash.update(chunk)
      yield chunk
    }
    // Only reached when everything was read.
    known ??= hash.digest()
  }

  return {
    open,

    async file(folder) {
      const local = store.localPath(asset.object_key)
      if (local !== null) {
        // Whoever opens the path learns only that it is not there; the store says what that means.
        const { body } = await store.get(asset.object_key, { range: { start: 0, end: 0 } }).catch(failing)
        body.destroy()
        return local
      }
      await assertRoomFor(asset.size, folder)
      const path = join(folder, 'original')
      await pipeline(await open(), createWriteStream(path), { signal })
      return path
    },

    async sha256() {
      known ??= await readSha256(store, asset.object_key)
      return known
    },

    async reading(work) {
      try {
        return await work()
      } catch (error) {
        signal.throwIfAborted()
        throw broken ?? error
      }
    },
  }
}
