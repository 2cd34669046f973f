/**
 * Writes whole objects. Every write carries a random mark as metadata: when an answer is lost, or a repeated request is
 * told that the key is taken, the mark on the object tells whether the bytes there are ours.
 */
import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { createGate } from '../gate.ts'
import {
  type ExpectedDigest,
  type ObjectKey,
  ObjectStoreError,
  type PutOptions,
  type StoredObject,
} from '../object-store.ts'
import type { S3Connection } from './client.ts'
import { isStoreError, storing } from './errors.ts'
import { type GuardedBody, guardBody } from './guarded-body.ts'
import { sendBody } from './send.ts'

/** Largest object of one PutObject, bytes. */
const largestPut = 5 * 1024 ** 3
const smallestPartSize = 8 * 1024 ** 2
export const maxParts = 10_000

/**
 * Parts held in memory at once by all bodies that go in parts; 96 MiB with the smallest size. A further body waits,
 * unread, until one is done: that of a slow client holds its place for as long as the door lets it be slow.
 */
const bufferedParts = 12

/** Milliseconds S3 may take to join parts. */
export const joinTimeout = 300_000

const markName = 'heliograph-write'

interface Written {
  etag: string
  lastModified: Date
}

export type S3Put = (key: ObjectKey, body: Readable, options: PutOptions) => Promise<StoredObject>

export function createS3Put({ client, bucket, prefix, timeout }: S3Connection): S3Put {
  const gate = createGate(bufferedParts)
  const place = (key: ObjectKey) => ({ Bucket: bucket, Key: `${prefix}${key}` })

  /** Runs the last request of a write. When it fails so that the object may be there all the same, looks. */
  async function settle(
    key: ObjectKey,
    mark: string,
    guarded: GuardedBody,
    write: () => Promise<{ ETag?: string | undefined }>,
  ) {
    try {
      return { etag: (await write()).ETag ?? '', lastModified: new Date() }
    } catch (error) {
      // Before the last byte was handed over nothing can be there.
      if (guarded.result() === null || !isStoreError(error, 'exists', 'unavailable', 'closed')) throw error
      const found = await findOurs(key, mark)
      if (found === null) throw error
      return found
    }
  }

  /** What is stored under the key when this mark is on it. Null also when the store still cannot be asked. */
  async function findOurs(key: ObjectKey, mark: string): Promise<Written | null> {
    try {
      const found = await storing(() => client.send(new HeadObjectCommand(place(key))))
      const isOurs = found.Metadata?.[markName] === mark
      return isOurs ? { etag: found.ETag ?? '', lastModified: found.LastModified ?? new Date() } : null
    } catch (error) {
      if (isStoreError(error, 'not-found', 'unavailable')) return null
      throw error
    }
  }

  function putWhole(key: ObjectKey, guarded: GuardedBody, size: number, options: PutOptions) {
    const mark = randomUUID()
    return settle(key, mark, guarded, () =>
      sendBody(guarded, { size, timeout }, (body, http) =>
        client.send(putCommand(key, body, size, mark, options), http),
      ),
    )
  }

  function putCommand(key: ObjectKey, body: Readable | Uint8Array, size: number, mark: string, options: PutOptions) {
    return new PutObjectCommand({
      ...place(key),
      Body: body,
      ContentLength: size,
      ContentType: options.contentType,
      IfNoneMatch: '*',
      Metadata: { [markName]: mark },
      ...checksumOf(options.digest),
    })
  }

  /** A body of unknown size, or one that is too large for one request, in parts that are gathered one at a time. */
  function putInParts(key: ObjectKey, guarded: GuardedBody, partSize: number, options: PutOptions): Promise<Written> {
    return gate(async () => {
      const mark = randomUUID()
      const chunks: AsyncIterator<Buffer> = guarded.stream[Symbol.asyncIterator]()
      const part = createPartBuffer(chunks, partSize)
      const first = await part.next()
      if (guarded.result() !== null && first.byteLength < partSize) {
        const command = putCommand(key, first, first.byteLength, mark, options)
        return settle(key, mark, guarded, () => storing(() => client.send(command)))
      }
      const target = { ...place(key), UploadId: await createMultipart(key, mark, options) }
      try {
        const parts: CompletedPart[] = []
        for (let bytes = first; bytes.byteLength > 0; bytes = await part.next()) {
          const PartNumber = parts.length + 1
          if (PartNumber > maxParts) {
            throw new ObjectStoreError('too-large', `A body of unknown size may have ${maxParts * partSize} bytes`)
          }
          const { ETag } = await storing(() =>
            client.send(new UploadPartCommand({ ...target, PartNumber, Body: bytes, ContentLength: bytes.byteLength })),
          )
          parts.push({ PartNumber, ETag })
        }
        const command = new CompleteMultipartUploadCommand({
          ...target,
          MultipartUpload: { Parts: parts },
          IfNoneMatch: '*',
        })
        return await settle(key, mark, guarded, () =>
          storing(() => client.send(command, { requestTimeout: joinTimeout })),
        )
      } catch (error) {
        // If this fails too the parts stay; whoever lists multiparts removes what is old.
        await client.send(new AbortMultipartUploadCommand(target)).catch(() => undefined)
        throw error
      }
    })
  }

  async function createMultipart(key: ObjectKey, mark: string, options: PutOptions): Promise<string | undefined> {
    const Metadata = { [markName]: mark }
    const command = new CreateMultipartUploadCommand({ ...place(key), ContentType: options.contentType, Metadata })
    return (await storing(() => client.send(command))).UploadId
  }

  return async (key, body, options) => {
    const guarded = guardBody(body, { ...options, stallTimeout: timeout })
    try {
      const written =
        options.size !== undefined && options.size <= largestPut
          ? await putWhole(key, guarded, options.size, options)
          : await putInParts(key, guarded, partSizeFor(options.size ?? options.maxSize), options)
      const result = guarded.result()
      if (result === null)
        throw new ObjectStoreError('unavailable', 'The object store answered before it had all bytes')
      return { key, size: result.size, sha256: result.sha256, ...written }
    } finally {
      guarded.stream.destroy()
    }
  }
}

/** What the store can check too. radosgw ignores the SHA-256; `guardBody` has checked it by then. */
export function checksumOf(digest: ExpectedDigest | undefined) {
  if (digest === undefined) return {}
  const value = Buffer.from(digest.value).toString('base64')
  return digest.algorithm === 'md5' ? { ContentMD5: value } : { ChecksumSHA256: value }
}

/** So that `maxParts` suffice when the size, or its limit, is known. */
function partSizeFor(size: number | undefined): number {
  const mebibyte = 1024 ** 2
  return Math.max(smallestPartSize, Math.ceil((size ?? 0) / maxParts / mebibyte) * mebibyte)
}

/**
 * Cuts chunks into parts of exactly `size` bytes and a shorter last one; empty when there are no more. Each part lies in
 * the same memory as the one before it.
 */
function createPartBuffer(chunks: AsyncIterator<Buffer>, size: number): { next(): Promise<Uint8Array> } {
  const memory = Buffer.allocUnsafeSlow(size)
  let rest: Buffer = Buffer.alloc(0)
  return {
    async next() {
      let filled = 0
      for (;;) {
        const copied = rest.copy(memory, filled)
        filled += copied
        rest = rest.subarray(copied)
        if (filled === size) return memory
        const chunk = await chunks.next()
        if (chunk.done === true) return memory.subarray(0, filled)
        rest = chunk.value
      }
    },
  }
}
