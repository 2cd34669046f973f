/**
 * What Cloudflare gives a Worker, as far as this one uses it ("Runtime APIs" of the Workers documentation). Written down
 * here because Cloudflare's own types replace those of the DOM for a whole project.
 */

export interface Environment {
  /** The bucket, as an R2 binding; or ORIGIN_URL. */
  MEDIA?: R2Bucket
  /** Address of a bucket that speaks S3, `https://s3.eu-central-1.amazonaws.com/photos`, with its credentials. */
  ORIGIN_URL?: string
  ORIGIN_ACCESS_KEY_ID?: string
  ORIGIN_SECRET_ACCESS_KEY?: string
  /** `auto` when absent. */
  ORIGIN_REGION?: string
  /** What stands before every key in the bucket: the `prefix` of OBJECT_STORE_URL, with a slash at its end. */
  KEY_PREFIX?: string

  /** The public keys of the server, `https://photos.example/.well-known/jwks.json`. */
  JWKS_URL?: string
  /** Instead: the text of `keys.json`, as a secret, for DELIVERY_ALGORITHM=hmac. */
  SIGNING_KEYS?: string

  /** Web origins that may read files by script, separated by commas. */
  ALLOWED_ORIGINS?: string
  /** Seconds that Cloudflare keeps a file, and so how long one that was deleted may still be served; 3600 when absent. */
  CACHE_SECONDS?: string
}

export interface R2Bucket {
  head(key: string): Promise<R2Object | null>
  get(key: string, options?: { range: { offset: number; length: number } }): Promise<(R2Object & R2Body) | null>
}

interface R2Object {
  size: number
  /** Quoted. */
  httpEtag: string
  uploaded: Date
}

interface R2Body {
  body: ReadableStream<Uint8Array>
}

export interface ExecutionContext {
  /** Lets work go on after the response. */
  waitUntil(promise: Promise<unknown>): void
}

/** Set by Cloudflare, never by the client. */
export type CloudflareRequest = Request & { cf?: { country?: string } }

declare global {
  interface CacheStorage {
    readonly default: Cache
  }

  /** Passes exactly so many bytes, which become `Content-Length`; fewer or more break the stream. */
  var FixedLengthStream: new (
    length: number,
  ) => { readable: ReadableStream<Uint8Array>; writable: WritableStream<Uint8Array> }
}
