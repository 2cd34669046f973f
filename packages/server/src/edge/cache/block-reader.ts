/**
 * A range of an object, read over its blocks, with the next block asked for when half of one is read, so that a long read
 * does not wait between two. Where the cache's disk fails, the store gives the rest.
 */
import type { ByteRange } from '../../engines/object-store/object-store.ts'
import type { ByteReader } from '../byte-reader.ts'
import type { OpenBlock } from './fill.ts'
import { CacheFailed } from './folder.ts'

export interface BlockReaderOptions {
  range: ByteRange
  blockSize: number
  openBlock(index: number, signal: AbortSignal): Promise<OpenBlock>
  /** The object from the store, past the cache. */
  openStore(range: ByteRange, signal: AbortSignal): Promise<ByteReader>
  onCacheFailed: (error: CacheFailed) => void
  /** Aborts when the client has gone. */
  signal?: AbortSignal
}

/** Rejects when the first byte cannot be had. */
export async function readBlocks(options: BlockReaderOptions): Promise<ByteReader> {
  const { range, blockSize, openBlock, openStore, onCacheFailed, signal } = options
  const leaving = new AbortController()
  signal?.addEventListener('abort', () => leaving.abort(), { once: true })
  let position = range.start
  let index = Math.floor(position / blockSize)
  let current: OpenBlock | null = null
  let ahead: Promise<OpenBlock> | null = null
  let bypass: ByteReader | null = null

  function lookAhead(): void {
    const start = index * blockSize
    const isHalfRead = position - start >= Math.min(blockSize, range.end + 1 - start) / 2
    if (ahead !== null || !isHalfRead || start + blockSize > range.end) return
    ahead = openBlock(index + 1, leaving.signal)
    // It fails for whoever gets there.
    ahead.catch(() => undefined)
  }

  async function openCurrent(): Promise<OpenBlock> {
    ahead ??= openBlock(index, leaving.signal)
    const block = await ahead
    ahead = null
    current = block
    return block
  }

  async function readBlock(into: Buffer): Promise<number> {
    if (Math.floor(position / blockSize) !== index) {
      await current?.close()
      current = null
      index += 1
    }
    const block = current ?? (await openCurrent())
    const start = index * blockSize
    const left = Math.min(start + blockSize - 1, range.end) - position + 1
    const count = await block.read(position - start, into.subarray(0, Math.min(into.length, left)))
    position += count
    lookAhead()
    return count
  }

  async function goPast(error: unknown): Promise<ByteReader> {
    if (!(error instanceof CacheFailed)) throw error
    onCacheFailed(error)
    bypass = await openStore({ start: position, end: range.end }, leaving.signal)
    if (leaving.signal.aborted) await bypass.close()
    return bypass
  }

  try {
    await openCurrent()
  } catch (error) {
    return goPast(error)
  }

  return {
    async read(into) {
      if (position > range.end) return 0
      if (bypass !== null) return bypass.read(into)
      try {
        return await readBlock(into)
      } catch (error) {
        return (await goPast(error)).read(into)
      }
    },

    async close() {
      leaving.abort()
      // It ends once it is open; nobody waits for that.
      void ahead?.then((block) => block.close()).catch(() => undefined)
      await Promise.all([current?.close(), bypass?.close()])
    },
  }
}
