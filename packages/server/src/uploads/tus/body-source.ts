/**
 * The bytes of a PATCH, cut as the store needs them: what an earlier request left over first, then the request's body.
 * A client that goes away, and a request that is told to stop, end the body like its last byte does: what came before
 * counts. Memory is one chunk of the socket, or what `peek` was asked for.
 */
import type { IncomingMessage } from 'node:http'

export interface BodySource {
  /** True when no byte is left and none will come. */
  isOver(): boolean
  /** Collects the next bytes without taking them: `count` of them, or all that are left. */
  peek(count: number): Promise<Buffer>
  /** The next bytes, at most `count`. Ending it early leaves the rest for the next call. */
  take(count: number): AsyncGenerator<Buffer, void, undefined>
}

/** @param leftover ends by itself; an error of it is an error of the source. */
export function createBodySource(
  leftover: AsyncIterable<Buffer> | null,
  next: () => Promise<Buffer | null>,
): BodySource {
  const earlier = leftover?.[Symbol.asyncIterator]() ?? null
  let hasEarlier = earlier !== null
  let waiting: Buffer[] = []
  let isBodyOver = false

  async function pull(): Promise<Buffer | null> {
    const first = waiting.shift()
    if (first !== undefined) return first
    if (hasEarlier && earlier !== null) {
      const { done, value } = await earlier.next()
      if (done !== true) return value
      hasEarlier = false
    }
    const chunk = isBodyOver ? null : await next()
    isBodyOver = chunk === null
    return chunk
  }

  return {
    isOver: () => isBodyOver && waiting.length === 0,

    async peek(count) {
      const chunks: Buffer[] = []
      let length = 0
      while (length < count) {
        const chunk = await pull()
        if (chunk === null) break
        chunks.push(chunk)
        length += chunk.length
      }
      const bytes = Buffer.concat(chunks)
      waiting = bytes.length > 0 ? [bytes, ...waiting] : waiting
      return bytes.subarray(0, count)
    },

    async *take(count) {
      let left = count
      while (left > 0) {
        const chunk = await pull()
        if (chunk === null) return
        if (chunk.length > left) waiting.unshift(chunk.subarray(left))
        const piece = chunk.subarray(0, left)
        left -= piece.length
        yield piece
      }
    },
  }
}

/**
 * Reads the chunks of a request one by one, null at its end: the last byte, a broken connection, or `stop`. The request
 * itself is never destroyed, so that it can still be answered.
 */
export function readChunks(
  request: IncomingMessage,
  stop: AbortSignal,
  onBytes: (count: number) => void,
): () => Promise<Buffer | null> {
  // A broken connection is an error of the request too; 'close' says the same.
  request.on('error', () => undefined)

  return async () => {
    for (;;) {
      if (stop.aborted) return null
      const chunk: Buffer | null = request.read()
      if (chunk !== null) {
        onBytes(chunk.length)
        return chunk
      }
      if (request.readableEnded || request.destroyed) return null
      await somethingHappens(request, stop)
    }
  }
}

function somethingHappens(request: IncomingMessage, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      request.off('readable', settle).off('end', settle).off('close', settle)
      stop.removeEventListener('abort', settle)
      resolve()
    }
    request.on('readable', settle).on('end', settle).on('close', settle)
    stop.addEventListener('abort', settle)
  })
}
