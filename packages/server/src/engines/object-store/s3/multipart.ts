/**
 * Multipart uploads on S3. Completion is safe to repeat: whatever goes wrong with the request, an object that is there
 * is the answer, because a key is written only once.
 */
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { isObjectKey } from '../key.ts'
import {
  type MultipartUpload,
  type ObjectInfo,
  type ObjectKey,
  type ObjectStore,
  ObjectStoreError,
  type PartInfo,
} from '../object-store.ts'
import type { S3Connection } from './client.ts'
import { isStoreError, storing } from './errors.ts'
import { guardBody } from './guarded-body.ts'
import { checksumOf, joinTimeout, maxParts } from './put.ts'
import { type HttpOptions, sendBody, sendUnknownSize } from './send.ts'

/** Bytes of a part whose size is not known, when the caller sets no limit. */
const defaultPartLimit = 16 * 1024 ** 2

/** How often a completion is tried while another one of the same upload is under way. */
const completions = 6

type Multiparts = Pick<
  ObjectStore,
  'createMultipart' | 'putPart' | 'listParts' | 'completeMultipart' | 'abortMultipart' | 'listMultiparts'
>

export function createS3Multiparts(
  { client, bucket, prefix, timeout }: S3Connection,
  head: (key: ObjectKey) => Promise<ObjectInfo | null>,
  place: (key: ObjectKey) => { Bucket: string; Key: string },
): Multiparts {
  /** radosgw says of an upload that is over that there is no such key. */
  async function ofUpload<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await storing(work)
    } catch (error) {
      if (!isStoreError(error, 'not-found')) throw error
      throw new ObjectStoreError('closed', 'There is no such multipart upload', error)
    }
  }

  /** Throws `closed`. radosgw answers 500 to the completion of an upload that is over, as if it were overloaded. */
  async function assertOpen(key: ObjectKey, uploadId: string): Promise<void> {
    await ofUpload(() => client.send(new ListPartsCommand({ ...place(key), UploadId: uploadId, MaxParts: 1 })))
  }

  async function join(key: ObjectKey, uploadId: string, parts: PartInfo[]): Promise<void> {
    const command = new CompleteMultipartUploadCommand({
      ...place(key),
      UploadId: uploadId,
      MultipartUpload: { Parts: parts.map(({ number, etag }) => ({ PartNumber: number, ETag: etag })) },
      IfNoneMatch: '*',
    })
    await ofUpload(() => client.send(command, { requestTimeout: joinTimeout }))
  }

  return {
    async createMultipart(key, { contentType }) {
      const command = new CreateMultipartUploadCommand({ ...place(key), ContentType: contentType })
      const { UploadId } = await storing(() => client.send(command))
      if (UploadId === undefined) throw new ObjectStoreError('unavailable', 'The object store gave no upload id')
      return UploadId
    },

    async putPart(key, uploadId, number, body, options) {
      if (!Number.isInteger(number) || number < 1 || number > maxParts) {
        throw new ObjectStoreError('invalid-part', `Part numbers go from 1 to ${maxParts}`)
      }
      const target = { ...place(key), UploadId: uploadId, PartNumber: number, ...checksumOf(options.digest) }
      const { size } = options
      const limit = size === undefined ? { maxSize: options.maxSize ?? defaultPartLimit } : {}
      const guarded = guardBody(body, { ...options, ...limit, stallTimeout: timeout })
      const send = (bytes: Readable | Uint8Array, length: number, http: HttpOptions) =>
        client.send(new UploadPartCommand({ ...target, Body: bytes, ContentLength: length }), http)
      try {
        const { ETag } = await ofUpload(() =>
          size === undefined
            ? sendUnknownSize(guarded, (bytes, http) => send(bytes, bytes.byteLength, http))
            : sendBody(guarded, { size, timeout }, (bytes, http) => send(bytes, size, http)),
        )
        return { number, size: guarded.result()?.size ?? 0, etag: ETag ?? '' }
      } finally {
        guarded.stream.destroy()
      }
    },

    async listParts(key, uploadId) {
      const parts: PartInfo[] = []
      let marker: string | undefined
      do {
        const command = new ListPartsCommand({
          ...place(key),
          UploadId: uploadId,
          ...(marker !== undefined && { PartNumberMarker: marker }),
        })
        const page = await ofUpload(() => client.send(command))
        for (const { PartNumber = 0, Size = 0, ETag = '' } of page.Parts ?? []) {
          parts.push({ number: PartNumber, size: Size, etag: ETag })
        }
        marker = page.IsTruncated === true ? page.NextPartNumberMarker : undefined
      } while (marker !== undefined)
      return parts
    },

    async completeMultipart(key, uploadId, parts) {
      if (parts.length === 0) throw new ObjectStoreError('invalid-part', 'There is no part to join')
      for (let attempt = 1; ; attempt += 1) {
        const failure = await join(key, uploadId, parts).then(
          () => null,
          (error: unknown) => ({ error }),
        )
        const object = await head(key)
        if (object !== null) return object
        if (failure === null) throw new ObjectStoreError('unavailable', 'The joined object is not there yet')
        // Another completion of the same upload is under way, or the store is overloaded: both pass.
        const mayPass = isStoreError(failure.error, 'exists', 'unavailable')
        if (!mayPass || attempt === completions) throw failure.error
        await assertOpen(key, uploadId)
        await delay(100 * 2 ** attempt * (0.5 + Math.random()))
      }
    },

    async abortMultipart(key, uploadId) {
      try {
        await storing(() => client.send(new AbortMultipartUploadCommand({ ...place(key), UploadId: uploadId })))
      } catch (error) {
        if (!isStoreError(error, 'closed', 'not-found')) throw error
      }
    },

    async *listMultiparts(): AsyncGenerator<MultipartUpload> {
      let next: { KeyMarker?: string; UploadIdMarker?: string } | null = {}
      while (next !== null) {
        const command: ListMultipartUploadsCommand = new ListMultipartUploadsCommand({
          Bucket: bucket,
          Prefix: prefix,
          ...next,
        })
        const page = await storing(() => client.send(command))
        for (const { Key = '', UploadId = '', Initiated = new Date(0) } of page.Uploads ?? []) {
          const key = Key.slice(prefix.length)
          if (isObjectKey(key)) yield { key, uploadId: UploadId, initiatedAt: Initiated }
        }
        const { NextKeyMarker, NextUploadIdMarker } = page
        next =
          page.IsTruncated === true
            ? {
                ...(NextKeyMarker !== undefined && { KeyMarker: NextKeyMarker }),
                ...(NextUploadIdMarker !== undefined && { UploadIdMarker: NextUploadIdMarker }),
              }
            : null
      }
    },
  }
}
