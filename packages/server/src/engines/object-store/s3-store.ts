/**
 * Keeps objects in an S3 bucket: AWS, or anything that speaks its protocol (Ceph, MinIO, R2, Garage). Objects are written
 * with `If-None-Match: *`; a store that does not know it (the key would be overwritten) is still safe, because keys are random.
 *
 * What could go wrong: every refusal that is no answer, and everything of the network, is `unavailable`. A lost answer is
 * looked into before it becomes an error (`s3/put.ts`, `s3/multipart.ts`).
 */
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import {
  type CORSRule,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3'
import { createDigestMemory } from './digest-memory.ts'
import { assertObjectKey, isObjectKey } from './key.ts'
import { type ObjectInfo, type ObjectKey, type ObjectStore, ObjectStoreError } from './object-store.ts'
import { connect } from './s3/client.ts'
import { type CorsReport, checkCors, corsRules } from './s3/cors.ts'
import { isStoreError, storing } from './s3/errors.ts'
import { createPlainGet } from './s3/get.ts'
import { createS3Multiparts } from './s3/multipart.ts'
import { createPresigner } from './s3/presigner.ts'
import { createS3Put, maxParts } from './s3/put.ts'
import { parseS3Url } from './s3/url.ts'

export interface S3StoreOptions {
  /** `s3://KEY:SECRET@bucket?endpoint=…&region=…&prefix=…`, key and secret percent-encoded. */
  url: string
  /** Milliseconds without progress after which the store counts as unavailable; 30,000 when absent. */
  timeout?: number
}

export interface S3Store extends ObjectStore {
  readonly kind: 's3'
  /** Makes the bucket when it is missing. */
  ensureBucket(): Promise<void>
  /** The CORS rules to set for these web origins. */
  corsRules(origins: string[]): CORSRule[]
  /** Compares them with the bucket's. */
  checkCors(origins: string[]): Promise<CorsReport>
}

export function createS3Store({ url, timeout = 30_000 }: S3StoreOptions): S3Store {
  const connection = connect(parseS3Url(url), timeout)
  const { client, bucket, prefix } = connection
  const digests = createDigestMemory()
  const putObject = createS3Put(connection)
  const presigner = createPresigner(connection)
  const getPlainly = createPlainGet(connection)

  const place = (key: ObjectKey) => {
    assertObjectKey(key)
    return { Bucket: bucket, Key: `${prefix}${key}` }
  }

  async function head(key: ObjectKey): Promise<ObjectInfo | null> {
    try {
      const found = await storing(() => client.send(new HeadObjectCommand(place(key))))
      return infoOf(key, found.ContentLength, found)
    } catch (error) {
      if (isStoreError(error, 'not-found')) return null
      throw error
    }
  }

  return {
    kind: 's3',
    minPartSize: 5 * 1024 ** 2,
    maxParts,
    presigner,
    ...createS3Multiparts(connection, head, place),
    head,

    async put(key, body, options) {
      assertObjectKey(key)
      const stored = await putObject(key, body, options)
      digests.remember(key, stored.etag, stored.sha256)
      return stored
    },

    async get(key, { range, signal } = {}) {
      signal?.throwIfAborted()
      const plain = await getPlainly(await presigner.read(key), range, signal)
      if (plain !== null) {
        const { body, ...info } = plain
        watchStall(body, timeout)
        return { info: { key, ...info }, body }
      }
      const command = new GetObjectCommand({
        ...place(key),
        ...(range !== undefined && { Range: `bytes=${range.start}-${range.end}` }),
      })
      const found = await storing(() => client.send(command, { ...(signal && { abortSignal: signal }) }))
      const total = /\/(\d+)$/.exec(found.ContentRange ?? '')?.[1]
      const info = infoOf(key, total === undefined ? found.ContentLength : Number(total), found)
      const body = found.Body as IncomingMessage
      watchStall(body, timeout)
      return { info, body: body as Readable }
    },

    localPath: () => null,

    async attestedSha256(key) {
      try {
        const found = await storing(() =>
          client.send(new HeadObjectCommand({ ...place(key), ChecksumMode: 'ENABLED' })),
        )
        // The checksum of a multipart is one of checksums ("…-3") unless its type says otherwise.
        const attested = Buffer.from(found.ChecksumSHA256 ?? '', 'base64')
        const isWhole = found.ChecksumType !== 'COMPOSITE' && !found.ChecksumSHA256?.includes('-')
        return attested.byteLength === 32 && isWhole ? attested : digests.recall(key, found.ETag ?? '')
      } catch (error) {
        if (isStoreError(error, 'not-found')) return null
        throw error
      }
    },

    async delete(key) {
      digests.forget(key)
      try {
        await storing(() => client.send(new DeleteObjectCommand(place(key))))
      } catch (error) {
        if (!isStoreError(error, 'not-found')) throw error
      }
    },

    async *list(from = '') {
      let token: string | undefined
      do {
        const command: ListObjectsV2Command = new ListObjectsV2Command({
          Bucket: bucket,
          Prefix: `${prefix}${from}`,
          ...(token !== undefined && { ContinuationToken: token }),
        })
        const page = await storing(() => client.send(command))
        for (const object of page.Contents ?? []) {
          const key = (object.Key ?? '').slice(prefix.length)
          // What is no key of ours belongs to somebody else who uses the bucket.
          if (isObjectKey(key)) yield infoOf(key, object.Size, object)
        }
        token = page.IsTruncated === true ? page.NextContinuationToken : undefined
      } while (token !== undefined)
    },

    async sweep() {
      // A write that breaks off leaves nothing on S3 but multiparts, and those are listed.
      return 0
    },

    async ping() {
      try {
        await client.send(new HeadBucketCommand({ Bucket: bucket }))
      } catch (error) {
        throw new ObjectStoreError('unavailable', `The bucket ${bucket} does not answer`, error)
      }
    },

    async close() {
      client.destroy()
    },

    async ensureBucket() {
      try {
        await client.send(new HeadBucketCommand({ Bucket: bucket }))
      } catch (error) {
        if (!(error instanceof Error) || error.name !== 'NotFound') throw error
        await storing(() => client.send(new CreateBucketCommand({ Bucket: bucket })))
      }
    },

    corsRules,
    checkCors: (origins) => checkCors(connection, origins),
  }
}

function infoOf(
  key: ObjectKey,
  size: number | undefined,
  answer: { ETag?: string | undefined; LastModified?: Date | undefined },
): ObjectInfo {
  return { key, size: size ?? 0, etag: answer.ETag ?? '', lastModified: answer.LastModified ?? new Date(0) }
}

/** Ends a read whose store falls silent. One whose reader is slow goes on: then bytes wait here, not there. */
function watchStall(body: IncomingMessage, timeout: number): void {
  const { socket } = body
  const onTimeout = () => {
    if (body.readableLength > 0 || body.isPaused()) socket.setTimeout(timeout)
    else body.destroy(new ObjectStoreError('unavailable', `The object store sent nothing for ${timeout} ms`))
  }
  socket.setTimeout(timeout)
  socket.on('timeout', onTimeout)
  body.once('close', () => {
    socket.off('timeout', onTimeout)
    socket.setTimeout(0)
  })
}
