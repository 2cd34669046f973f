/**
 * Signs requests that clients send to the store themselves. What bounds them is in the signature: the exact size
 * (`content-length`), the type, and `if-none-match: *`, without which the URL could overwrite the object until it expires.
 */
import { GetObjectCommand, PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3'
import { createPresignedPost } from '@aws-sdk/s3-presigned-post'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { assertObjectKey } from '../key.ts'
import type { ObjectKey, Presigner } from '../object-store.ts'
import type { S3Connection } from './client.ts'
import { checksumOf } from './put.ts'

export function createPresigner({ client, bucket, prefix }: S3Connection): Presigner {
  const place = (key: ObjectKey) => {
    assertObjectKey(key)
    return { Bucket: bucket, Key: `${prefix}${key}` }
  }

  return {
    async put(key, { size, contentType, sha256, expiresIn }) {
      const checksum = checksumOf(sha256 && { algorithm: 'sha-256', value: sha256 })
      const command = new PutObjectCommand({
        ...place(key),
        ContentLength: size,
        ContentType: contentType,
        IfNoneMatch: '*',
        ...checksum,
      })
      const url = await getSignedUrl(client, command, {
        expiresIn,
        signableHeaders: new Set(['host', 'content-length', 'content-type', 'if-none-match', 'x-amz-checksum-sha256']),
        // In the query it would be a claim of the URL; the store checks only the header.
        unhoistableHeaders: new Set(['x-amz-checksum-sha256']),
      })
      // `content-length` is signed and not listed: every client sets it from the body, and a browser allows nothing else.
      const headers: Record<string, string> = { 'content-type': contentType, 'if-none-match': '*' }
      if ('ChecksumSHA256' in checksum) headers['x-amz-checksum-sha256'] = checksum.ChecksumSHA256
      return { method: 'PUT', url, headers }
    },

    async part(key, uploadId, { number, size }, expiresIn) {
      const command = new UploadPartCommand({
        ...place(key),
        UploadId: uploadId,
        PartNumber: number,
        ...(size !== null && { ContentLength: size }),
      })
      const signableHeaders = new Set(size === null ? ['host'] : ['host', 'content-length'])
      return { method: 'PUT', url: await getSignedUrl(client, command, { expiresIn, signableHeaders }), headers: {} }
    },

    post(key, { contentType, minSize, maxSize, expiresIn }) {
      return createPresignedPost(client, {
        ...place(key),
        Fields: { 'Content-Type': contentType },
        Conditions: [['content-length-range', minSize, maxSize]],
        Expires: expiresIn,
      })
    },

    async get(key, { contentType, contentDisposition, expiresIn, signedAt = new Date() }) {
      const command = new GetObjectCommand({
        ...place(key),
        ResponseContentType: contentType,
        ResponseContentDisposition: contentDisposition,
      })
      return {
        method: 'GET',
        url: await getSignedUrl(client, command, { expiresIn, signingDate: signedAt }),
        headers: {},
      }
    },
  }
}
