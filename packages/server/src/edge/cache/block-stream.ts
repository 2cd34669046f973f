/**
 * A range of an object as one stream over its blocks, with the next block asked for when half of one is sent, so that a
 * long read does not wait between two. Where the cache's disk fails, the store sends the rest.
 */
import { Readable } from 'node:stream'
import type { ByteRange } from '../../engines/object-store/object-store.ts'
import type { OpenBlock } from './fill.ts'
import { CacheFailed } from './folder.ts'

export interface BlockStreamOptions {
  range: ByteRange
  blockSize: number
  openBlock(index: number, signal: AbortSignal): Promise<OpenBlock>
  /** The object from the store, past the cache. */
  openStore(range: ByteRange, signal: AbortSignal): Promise<Readable>
  /** Aborts when the client has gone. */
  signal?: AbortSignal
  onCacheFailed: (error: CacheFailed) => void
}

const chunkSize = 64 * 1024

/** Rejects when the first byte cannot be had. */
export async function streamBlocks(options: BlockStreamOptions): Promise<Readable> {
  const { range, blockSize, openBlock, openStore, onCacheFailed, signal } = options
  const leaving = new AbortController()
  signal?.addEventListener('abort', () => leaving.abort(), { once: true })
  let position = range.start
  let index = Math.floor(position / blockSize)
  let current: OpenBlock | null = null
  let ahead: Promise<OpenBlock> | null = null

  function lookAhead(): void {
    const isHalfSent = position - index * blockSize >= Math.min(blockSize, range.end + 1 - index * blockSize) / 2
    if (ahead !== null || !isHalfSent || (index + 1) * blockSize > range.end) return
    ahead = openBlock(index + 1, leaving.signal)
    // It fails for whoever gets there.
    ahead.catch(() => undefined)
  }

  async function next(): Promise<Buffer | null> {
    if (position > range.end) return null
    if (Math.floor(position / blockSize) !== index) {
      await current?.close()
      current = null
      index += 1
    }
    if (current === null) {
      ahead ??= openBlock(index, leaving.signal)
      current = await ahead
      ahead = null
    }
    const start = index * blockSize
    const end = Math.min(start + blockSize - 1, range.end)
    const bytes = await current.read(position - start, Math.min(chunkSize, end - position + 1))
    position += bytes.length
    lookAhead()
    return bytes
  }

  async function release(): Promise<void> {
    leaving.abort()
    await current?.close()
    await ahead?.then(
      (block) => block.close(),
      // Nobody needs it any more.
      () => undefined,
    )
  }

  try {
    current = await openBlock(index, leaving.signal)
  } catch (error) {
    if (!(error instanceof CacheFailed)) throw error
    onCacheFailed(error)
    return openStore(range, leaving.signal)
  }

  let rest: Readable | null = null
  const stream = new Readable({
    highWaterMark: chunkSize,
    read() {
      if (rest !== null) {
        rest.resume()
        return
      }
      next().then(
        (bytes) => stream.push(bytes),
        (error: unknown) => (error instanceof CacheFailed ? bypass(error) : stream.destroy(toError(error))),
      )
    },
    destroy(error, done) {
      rest?.destroy()
      release().then(
        () => done(error),
        (failure: unknown) => done(error ?? toError(failure)),
      )
    },
  })

  function bypass(error: CacheFailed): void {
    if (stream.destroyed) return
    onCacheFailed(error)
    openStore({ start: position, end: range.end }, leaving.signal).then(
      (body) => {
        rest = body
        if (stream.destroyed) {
          body.destroy()
          return
        }
        body.on('data', (chunk: Buffer) => stream.push(chunk) || body.pause())
        body.on('end', () => stream.push(null))
        body.on('error', (failure) => stream.destroy(failure))
        body.on('close', () => body.readableEnded || stream.destroy(new Error('The store ended early')))
      },
      (failure: unknown) => stream.destroy(toError(failure)),
    )
  }

  return stream
}

const toError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))
