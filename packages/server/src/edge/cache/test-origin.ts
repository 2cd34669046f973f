/** A store elsewhere, for tests of the cache: the real file store without its folder, with faults and counts. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import {
  type ByteRange,
  createFileStore,
  type ObjectStore,
  ObjectStoreError,
} from '../../engines/object-store/index.ts'
import { eventually } from '../test-edge.ts'
import { type CacheOptions, createEdgeCache, purgeOnDelete } from './index.ts'

/** A read that the test feeds by hand. */
export interface HeldRead {
  range: ByteRange | undefined
  /** Lets bytes through, all that are left when none are said. */
  send(count?: number): void
  breakOff(): void
  readonly isEnded: boolean
}

export interface TestOrigin {
  store: ObjectStore
  /** The same store, whose deletions purge the cache's folder. */
  purging: ObjectStore
  cacheFolder: string
  heads: number
  gets: (ByteRange | undefined)[]
  /** Reads that wait to be fed, while `isHolding`. */
  held: HeldRead[]
  isHolding: boolean
  /** What the store answers to everything instead. */
  failure: ObjectStoreError | null
  keep(key: string, bytes: Uint8Array): Promise<void>
  openCache(options?: Partial<CacheOptions>): ReturnType<typeof createEdgeCache>
  /** Names of the files in the cache. */
  cacheFiles(): Promise<string[]>
  /** Waits until nothing is being written: whoever reads has the last byte before the file has its name. */
  settled(): Promise<void>
  errors: unknown[]
  [Symbol.asyncDispose](): Promise<void>
}

export async function startTestOrigin(): Promise<TestOrigin> {
  const root = await mkdtemp(join(tmpdir(), 'heliograph-origin-'))
  const files = createFileStore({ root: join(root, 'files') })
  const cacheFolder = join(root, 'cache')

  const store: ObjectStore = {
    ...files,
    localPath: () => null,
    async head(key) {
      origin.heads += 1
      if (origin.failure !== null) throw origin.failure
      return files.head(key)
    },
    async get(key, options = {}) {
      origin.gets.push(options.range)
      if (origin.failure !== null) throw origin.failure
      const { info, body } = await files.get(key, options.range === undefined ? {} : { range: options.range })
      if (!origin.isHolding) return { info, body }
      const { stream, read } = hold(Buffer.concat(await body.toArray()), options.range)
      origin.held.push(read)
      return { info, body: stream }
    },
  }

  const origin: TestOrigin = {
    store,
    purging: purgeOnDelete(store, cacheFolder),
    cacheFolder,
    heads: 0,
    gets: [],
    held: [],
    isHolding: false,
    failure: null,
    errors: [],
    async keep(key, bytes) {
      await files.put(key, Readable.from([bytes]), { contentType: 'image/jpeg' })
    },
    openCache: (options) =>
      createEdgeCache({
        store,
        folder: cacheFolder,
        limit: 10_000_000,
        maxAge: 30,
        blockSize: 100_000,
        onError: (error) => origin.errors.push(error),
        ...options,
      }),
    async cacheFiles() {
      const entries = await readdir(cacheFolder, { recursive: true, withFileTypes: true })
      return entries.filter((entry) => entry.isFile()).map((entry) => entry.name)
    },
    settled: () => eventually(async () => (await origin.cacheFiles()).every((name) => !name.includes('~'))),
    async [Symbol.asyncDispose]() {
      for (const read of origin.held) read.breakOff()
      await files.close()
      await rm(root, { recursive: true, force: true })
    },
  }
  return origin
}

function hold(bytes: Buffer, range: ByteRange | undefined): { stream: Readable; read: HeldRead } {
  const stream = new PassThrough()
  let sent = 0
  // Ended by whoever reads it, or by the test.
  stream.on('error', () => undefined)
  return {
    stream,
    read: {
      range,
      send(count = bytes.length - sent) {
        stream.write(bytes.subarray(sent, sent + count))
        sent += count
        if (sent >= bytes.length) stream.end()
      },
      breakOff: () => void stream.destroy(new ObjectStoreError('unavailable', 'the origin is gone')),
      get isEnded() {
        return stream.destroyed
      },
    },
  }
}
