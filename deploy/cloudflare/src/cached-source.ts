/**
 * Cloudflare's cache in front of a source, keyed by the object alone: whoever may have it was asked before, so that all
 * signed URLs of an object share one entry, and none is served without its signature having been verified. The entry's
 * URL is the object's without a query, under which it can be purged.
 *
 * Only whole files are kept, and only those that fit in a Worker's memory beside a slow client.
 */
import type { ByteRange } from '../../../packages/server/src/engines/object-store/object-store.ts'
import type { ExecutionContext } from './environment.ts'
import { type Found, infoOf, type Source } from './source.ts'

/** Bytes. */
const largestKept = 32 * 1024 ** 2

export interface CachedSourceOptions {
  source: Source
  cache: Cache
  /** Of the Worker. */
  origin: string
  /** Seconds. */
  maxAge: number
  context: ExecutionContext
}

export function cachedSource({ source, cache, origin, maxAge, context }: CachedSourceOptions): Source {
  function keep(url: string, { info }: Found, body: ReadableStream<Uint8Array>): void {
    const response = new Response(body.pipeThrough(new FixedLengthStream(info.size)), {
      headers: {
        'content-type': 'application/octet-stream',
        'cache-control': `public, max-age=${maxAge}`,
        etag: info.etag,
        'last-modified': info.lastModified.toUTCString(),
      },
    })
    // The visitor has the file either way.
    const stored = cache.put(url, response).catch((error: unknown) => console.error('could not be cached', error))
    context.waitUntil(stored)
  }

  async function readKept(url: string, range: ByteRange): Promise<ReadableStream<Uint8Array> | null> {
    const headers = { range: `bytes=${range.start}-${range.end}` }
    const part = await cache.match(new Request(url, { headers }))
    if (part?.status === 206) return part.body
    await part?.body?.cancel()
    return null
  }

  return {
    async find(key) {
      const url = `${origin}/m/${key}`
      const kept = await cache.match(url)
      if (kept !== undefined) {
        return {
          info: infoOf(key, kept.headers),
          async read(range) {
            if (range === null) return kept.body
            await kept.body?.cancel()
            return (await readKept(url, range)) ?? (await source.find(key))?.read(range) ?? null
          },
        }
      }
      const found = await source.find(key)
      if (found === null || found.info.size > largestKept || !(maxAge > 0)) return found
      return {
        ...found,
        async read(range) {
          const body = await found.read(range)
          if (body === null || range !== null) return body
          const [mine, theirs] = body.tee()
          keep(url, found, mine)
          return theirs
        },
      }
    },
  }
}
