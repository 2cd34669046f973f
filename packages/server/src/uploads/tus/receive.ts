/**
 * Takes the body of one PATCH into the store in constant memory. It is cut into parts of the upload's multipart; what is
 * too little for a part at the end becomes the tail, except the end of the file, which may be a part of any size.
 *
 * What could go wrong: the client goes away in the middle of a part. A file store keeps what has come of it; S3 takes a
 * part as a whole only, so at most one smallest part (5 MiB) is sent again. The offset that is answered, now or by the
 * next HEAD, never counts what is not durable.
 */
import { Readable } from 'node:stream'
import type { Gate } from '../../engines/object-store/gate.ts'
import type { UploadContext, UploadRow } from '../context.ts'
import { defaultPartSize } from '../transfer.ts'
import { type BodySource, createBodySource } from './body-source.ts'
import { giveUpTails, reserveTailKey, type Stock } from './stock.ts'

export interface Incoming {
  /** The next chunk, null at the end. */
  next: () => Promise<Buffer | null>
  /** Bytes the request announces; null when it is chunked. */
  length: number | null
}

export interface ReceiveContext extends UploadContext {
  /** Bodies of unknown length that may gather a part in memory at once. */
  gathering: Gate
}

/** Bytes of a part of a file store: a crash costs at most so much, and up to this nothing is copied at the end. */
const largestFilePart = 64 * 1024 * 1024

/**
 * Returns the offset after the body: what the store holds now.
 * @param mayWrite asked before each part: false once another request has taken over.
 * @param reserve called with the bytes that a part may add, before it is stored; for an upload of unknown size.
 */
export async function receiveBody(
  context: ReceiveContext,
  upload: UploadRow,
  stock: Stock,
  incoming: Incoming,
  options: { mayWrite: () => boolean; reserve: (end: number) => Promise<void> },
): Promise<number> {
  const { store } = context
  const earlier = stock.tail === null ? null : await store.get(stock.tail.key)
  const source = createBodySource(earlier?.body ?? null, incoming.next)
  const writer = createWriter(context, upload, stock, source, options.mayWrite)
  try {
    if (incoming.length === null && store.kind === 's3') {
      // A part must say its size before it is sent, and this body does not: it is gathered in memory.
      await context.gathering(() => writeAll(null))
    } else {
      await writeAll(incoming.length === null ? null : incoming.length + (stock.tail?.size ?? 0))
    }
  } finally {
    earlier?.body.destroy()
    await writer.forget()
  }
  return writer.offset()

  async function writeAll(length: number | null): Promise<void> {
    let left = length
    while (options.mayWrite() && !source.isOver()) {
      const size = left === null ? await writer.look() : Math.min(left, writer.partSize)
      if (size === 0) return
      await options.reserve(writer.partsEnd() + (size ?? writer.partSize))
      if (size !== null && writer.isTooLittle(size)) return writer.writeTail(size)
      const written = await writer.writePart(size)
      if (written === null) return
      if (left !== null) left -= written
    }
  }
}

class BrokeOff extends Error {
  constructor() {
    super('The body ended in the middle of a part')
    this.name = 'BrokeOff'
  }
}

function createWriter(
  context: UploadContext,
  upload: UploadRow,
  stock: Stock,
  source: BodySource,
  mayWrite: () => boolean,
) {
  const { store } = context
  let { partsEnd, tail } = stock
  let number = stock.parts.at(-1)?.number ?? 0
  const unneeded = [...stock.stale]

  // Parts that are not smaller than this are never too many, whatever came before; and the first has all of the tail, whose
  // bytes were acknowledged.
  const remaining = (upload.size ?? context.limits.maxFileSize) - partsEnd
  const fairShare = Math.ceil(remaining / Math.max(1, store.maxParts - stock.parts.length))
  const smallest = Math.max(store.minPartSize, fairShare, tail?.size ?? 0)
  const wanted = upload.size === null ? defaultPartSize : largestFilePart
  const partSize = store.kind === 'file' ? Math.max(smallest, wanted) : smallest
  /** A store that need not know a part's size before takes one that broke off. */
  const keepsBroken = store.kind === 'file'

  /** At most `size` bytes; fewer only where a part may break off, and at least `fewest`. */
  async function* piece(size: number, fewest: number): AsyncGenerator<Buffer> {
    let count = 0
    for await (const chunk of source.take(size)) {
      count += chunk.length
      yield chunk
    }
    if (count < size && (!keepsBroken || count < fewest)) throw new BrokeOff()
    // A process that stood still in the middle of the part must not end it over what another has written since.
    if (!mayWrite()) throw new BrokeOff()
  }

  const streamOf = (chunks: AsyncIterable<Buffer>) => Readable.from(chunks, { objectMode: false })

  function consumeTail(): void {
    if (tail !== null) unneeded.push(tail.key)
    tail = null
  }

  return {
    partSize,
    partsEnd: () => partsEnd,
    offset: () => partsEnd + (tail?.size ?? 0),
    /** Bytes of the next piece of a body that does not say its length; null for a part of unknown size. */
    async look(): Promise<number | null> {
      const head = await source.peek(smallest)
      return head.length < smallest || partSize === smallest ? head.length : null
    },
    /** True for what can be no part: too small, and not the end of the file. */
    isTooLittle: (size: number) => size < smallest && partsEnd + size !== upload.size,

    /** Bytes of the part, or null when the body broke off before there was one. */
    async writePart(size: number | null): Promise<number | null> {
      const isExact = size !== null && !keepsBroken
      const body = streamOf(piece(size ?? partSize, Math.min(size ?? partSize, smallest)))
      try {
        const part = await store.putPart(upload.object_key, upload.store_upload_id ?? '', number + 1, body, {
          ...(isExact ? { size } : { maxSize: partSize }),
        })
        number += 1
        partsEnd += part.size
        consumeTail()
        return part.size
      } catch (error) {
        if (error instanceof BrokeOff) return null
        throw error
      } finally {
        body.destroy()
      }
    },

    async writeTail(size: number): Promise<void> {
      // Nothing came after the tail that is there.
      if (tail !== null && size === tail.size) return
      const key = await reserveTailKey(context, upload, partsEnd)
      const body = streamOf(piece(size, 1))
      try {
        const stored = await store.put(key, body, {
          contentType: 'application/octet-stream',
          ...(keepsBroken ? { maxSize: size } : { size }),
        })
        const longer = { key, start: partsEnd, size: stored.size }
        if (tail !== null && tail.size > longer.size) {
          unneeded.push(key)
          return
        }
        consumeTail()
        tail = longer
      } catch (error) {
        unneeded.push(key)
        if (!(error instanceof BrokeOff)) throw error
      } finally {
        body.destroy()
      }
    },

    /** Gives up the tails whose bytes have found another place. */
    forget: () => giveUpTails(context, unneeded),
  }
}
