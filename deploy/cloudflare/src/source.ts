/** Where the bytes are: an R2 binding, or a bucket that speaks S3. */
import { AwsClient } from 'aws4fetch'
import type { ByteRange, ObjectInfo } from '../../../packages/server/src/engines/object-store/object-store.ts'
import { problems } from '../../../packages/server/src/problem.ts'
import type { Environment, R2Bucket } from './environment.ts'

export interface Found {
  info: ObjectInfo
  /** Null when the object has gone meanwhile. Call it once at most. */
  read(range: ByteRange | null): Promise<ReadableStream<Uint8Array> | null>
}

export interface Source {
  /** Null for an object that is not there. */
  find(key: string): Promise<Found | null>
}

/** Throws when neither is configured. */
export function openSource(env: Environment): Source {
  const prefix = env.KEY_PREFIX ?? ''
  if (env.MEDIA !== undefined) return r2Source(env.MEDIA, prefix)
  const { ORIGIN_URL: url, ORIGIN_ACCESS_KEY_ID: accessKeyId, ORIGIN_SECRET_ACCESS_KEY: secretAccessKey } = env
  if (url === undefined || accessKeyId === undefined || secretAccessKey === undefined) {
    throw new Error('Bind a bucket as MEDIA, or set ORIGIN_URL, ORIGIN_ACCESS_KEY_ID and ORIGIN_SECRET_ACCESS_KEY')
  }
  const client = new AwsClient({
    accessKeyId,
    secretAccessKey,
    service: 's3',
    region: env.ORIGIN_REGION ?? 'auto',
    retries: 1,
  })
  return s3Source(client, `${url.replace(/\/$/, '')}/${prefix}`)
}

function r2Source(bucket: R2Bucket, prefix: string): Source {
  return {
    async find(key) {
      const head = await bucket.head(prefix + key)
      if (head === null) return null
      return {
        info: { key, size: head.size, etag: head.httpEtag, lastModified: head.uploaded },
        async read(range) {
          const options = range === null ? undefined : { range: { offset: range.start, length: lengthOf(range) } }
          return (await bucket.get(prefix + key, options))?.body ?? null
        },
      }
    },
  }
}

function s3Source(client: AwsClient, base: string): Source {
  async function ask(method: 'GET' | 'HEAD', key: string, range: ByteRange | null): Promise<Response | null> {
    const headers = range === null ? {} : { range: `bytes=${range.start}-${range.end}` }
    const response = await client.fetch(base + key, { method, headers })
    if (response.status === 404) return null
    if (response.status === (range === null ? 200 : 206)) return response
    await response.body?.cancel()
    throw problems.unavailable('The store of files does not answer. Try again in a moment.', {
      retryAfter: 2,
      cause: `${method} ${key}: ${response.status}`,
    })
  }

  return {
    async find(key) {
      const head = await ask('HEAD', key, null)
      if (head === null) return null
      return {
        info: infoOf(key, head.headers),
        read: async (range) => (await ask('GET', key, range))?.body ?? null,
      }
    },
  }
}

/** Of a whole object as HTTP describes it. */
export function infoOf(key: string, headers: Headers): ObjectInfo {
  return {
    key,
    size: Number(headers.get('content-length')),
    etag: headers.get('etag') ?? '',
    lastModified: new Date(headers.get('last-modified') ?? ''),
  }
}

export function lengthOf({ start, end }: ByteRange): number {
  return end - start + 1
}
