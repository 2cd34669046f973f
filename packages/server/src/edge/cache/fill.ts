/**
 * One block on its way from the store into the cache, and all who wait for its bytes. The store is read once; readers
 * follow in the growing file. A store that fails fails all of them. A disk that fails is `CacheFailed`, after which each
 * goes on at the store by itself. When the last reader has left, the read is ended unless half of it is there.
 */
import type { FileHandle } from 'node:fs/promises'
import { addAbortSignal, type Readable } from 'node:stream'
import {
  type ByteRange,
  type ObjectInfo,
  type ObjectStore,
  ObjectStoreError,
} from '../../engines/object-store/object-store.ts'
import { CacheFailed, type CacheFolder, type Claim } from './folder.ts'
import type { Room } from './room.ts'

/** A block to read from, whether it lies there whole or is still growing. */
export interface OpenBlock {
  /** Reads from `position` within the block into the buffer, some or all that fit, waiting for the first byte. */
  read(position: number, into: Buffer): Promise<number>
  close(): Promise<void>
}

export interface Fill {
  /** Takes part until the block is closed or the signal aborts; rejects when the store has refused, or with `CacheFailed`. */
  join(signal: AbortSignal): Promise<OpenBlock>
  /** False once it is being ended: who comes now needs a new one. */
  readonly isAlive: boolean
}

export interface FillOptions {
  store: Pick<ObjectStore, 'get'>
  folder: CacheFolder
  room: Room
  info: ObjectInfo
  /** Where the block is kept. */
  path: string
  /** What of the object it holds. */
  range: ByteRange
  now: () => Date
  /** Bytes that came from the store. */
  onBytes: (count: number) => void
  /** Called when it is over, however it ended. */
  onEnd: () => void
  onError: (error: unknown) => void
}

export function startFill(options: FillOptions): Fill {
  const { store, folder, room, info, path, range, now, onBytes, onEnd, onError } = options
  const length = range.end - range.start + 1
  const abort = new AbortController()
  const opened = Promise.withResolvers<Claim>()
  let progress = Promise.withResolvers<void>()
  let received = 0
  let readers = 0
  let outcome: 'running' | 'whole' | Failure = 'running'
  let claim: Claim | null = null

  // Whoever has joined hears of a failure through these; there may be nobody.
  opened.promise.catch(() => undefined)

  function advance(): void {
    progress.resolve()
    progress = Promise.withResolvers()
  }

  async function run(): Promise<void> {
    if (!room.take(length)) throw new CacheFailed(new Error('The cache is full'))
    let isKept = false
    try {
      claim = await folder.claim(path)
      const body = await openOrigin()
      opened.resolve(claim)
      for await (const chunk of body as AsyncIterable<Buffer>) await append(claim, chunk)
      if (received !== length)
        throw new ObjectStoreError('unavailable', `The store sent ${received} of ${length} bytes`)
      // What nginx says as Last-Modified when it sends the file is that of the object.
      await onDisk(claim.handle.utimes(now(), info.lastModified))
      isKept = await claim.publish()
    } finally {
      if (isKept) room.kept(length)
      else {
        await claim?.discard()
        room.returned(length)
      }
    }
  }

  async function openOrigin(): Promise<Readable> {
    const got = await store.get(info.key, { range, signal: abort.signal })
    addAbortSignal(abort.signal, got.body)
    if (got.info.etag === info.etag) return got.body
    got.body.destroy()
    throw new ObjectStoreError('unavailable', `${info.key} is another object than a moment ago`)
  }

  async function append({ handle }: Claim, chunk: Buffer): Promise<void> {
    onBytes(chunk.length)
    if (received + chunk.length > length) throw new ObjectStoreError('unavailable', 'The store sent too much')
    for (let written = 0; written < chunk.length; ) {
      const { bytesWritten } = await onDisk(handle.write(chunk, written, chunk.length - written, received))
      written += bytesWritten
      received += bytesWritten
      advance()
    }
  }

  async function closeWhenUnused(): Promise<void> {
    if (readers > 0 || outcome === 'running' || claim === null) return
    const { handle } = claim
    claim = null
    await handle.close()
  }

  async function leave(): Promise<void> {
    readers -= 1
    if (readers === 0 && outcome === 'running' && received < length / 2) abort.abort()
    await closeWhenUnused()
  }

  run()
    .then(
      () => {
        outcome = 'whole'
      },
      (error: unknown) => {
        outcome = new Failure('The fill failed', { cause: error })
        opened.reject(error)
      },
    )
    .finally(() => {
      onEnd()
      advance()
      return closeWhenUnused()
    })
    .catch(onError)

  return {
    get isAlive() {
      return outcome === 'running' && !abort.signal.aborted
    },

    async join(signal) {
      readers += 1
      let isOpen = true
      const close = async () => {
        if (!isOpen) return
        isOpen = false
        signal.removeEventListener('abort', onAbort)
        await leave()
      }
      const onAbort = () => void close().catch(onError)
      signal.addEventListener('abort', onAbort)
      try {
        signal.throwIfAborted()
        const { handle } = await opened.promise
        return {
          close,
          async read(position, into) {
            while (received <= position && outcome === 'running') await progress.promise
            if (received <= position) throw outcome instanceof Failure ? outcome.cause : new Error('Past the end')
            return onDisk(readAt(handle, position, into.subarray(0, Math.min(into.length, received - position))))
          },
        }
      } catch (error) {
        await close()
        throw error
      }
    },
  }
}

/** How a fill ended that did not become whole. */
class Failure extends Error {}

export async function onDisk<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw new CacheFailed(error)
  }
}

/** Fills the buffer. Fewer bytes than asked for would be a file that was cut behind our back. */
export async function readAt(handle: FileHandle, position: number, into: Buffer): Promise<number> {
  const { bytesRead } = await handle.read(into, 0, into.length, position)
  if (bytesRead !== into.length) throw new Error(`Read ${bytesRead} of ${into.length} bytes at ${position}`)
  return bytesRead
}
