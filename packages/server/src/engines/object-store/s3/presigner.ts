/**
 * Signs requests that clients send to the store themselves. What bounds them is in the signature: the exact size
 * (`content-length`), the type, and `if-none-match: *`, without which the URL could overwrite the object until it expires.
 */
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { createPresignedPost } from '@aws-sdk/s3-presigned-post'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { assertObjectKey } from '../key.ts'
import type { ObjectKey, Presigner } from '../object-store.ts'
import type { S3Connection } from './client.ts'
import { createPresign, encode, type PresignRequest } from './presign.ts'

type Signing = Omit<PresignRequest, 'address' | 'region' | 'credentials' | 'signedAt'> & { signedAt?: Date }

export interface S3Presigner extends Presigner {
  /** For our own reading: without words about the answer. */
  read(key: ObjectKey): Promise<string>
}

export function createPresigner({ client, bucket, prefix }: Omit<S3Connection, 'agents'>): S3Presigner {
  const presign = createPresign()
  const place = (key: ObjectKey) => {
    assertObjectKey(key)
    return { Bucket: bucket, Key: `${prefix}${key}` }
  }
  /** Where the bucket is, which the SDK knows best: its regions, partitions and styles of address. */
  let bucketAddress: Promise<string> | null = null
  async function findBucket(): Promise<string> {
    const url = new URL(await getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key: 'key' })))
    return `${url.origin}${url.pathname.slice(0, -'key'.length)}`
  }

  async function sign(key: ObjectKey, request: Signing): Promise<string> {
    const { Key } = place(key)
    bucketAddress ??= findBucket()
    const [address, region, credentials] = await Promise.all([
      bucketAddress,
      client.config.region(),
      client.config.credentials(),
    ])
    return presign({
      signedAt: new Date(),
      ...request,
      address: new URL(address + Key.split('/').map(encode).join('/')),
      region,
      credentials: {
        accessKeyId: credentials.accessKeyId,
        secretAccessKey: credentials.secretAccessKey,
        ...(credentials.sessionToken === undefined ? {} : { sessionToken: credentials.sessionToken }),
      },
    })
  }

  return {
    read: (key) => sign(key, { method: 'GET', query: {}, headers: {}, expiresIn: 300 }),

    async put(key, { size, contentType, sha256, expiresIn }) {
      const headers: Record<string, string> = { 'content-type': contentType, 'if-none-match': '*' }
      // Not in the query, where it would be a claim of the URL: the store checks only the header.
      if (sha256 !== undefined) headers['x-amz-checksum-sha256'] = Buffer.from(sha256).toString('base64')
      // `content-length` is signed and not listed: every client sets it from the body, and a browser allows nothing else.
      const signed = { ...headers, 'content-length': String(size) }
      const url = await sign(key, { method: 'PUT', query: { 'x-id': 'PutObject' }, headers: signed, expiresIn })
      return { method: 'PUT', url, headers }
    },

    async part(key, uploadId, { number, size }, expiresIn) {
      const query = { partNumber: String(number), uploadId, 'x-id': 'UploadPart' }
      const headers: Record<string, string> = size === null ? {} : { 'content-length': String(size) }
      return { method: 'PUT', url: await sign(key, { method: 'PUT', query, headers, expiresIn }), headers: {} }
    },

    post(key, { contentType, minSize, maxSize, expiresIn }) {
      return createPresignedPost(client, {
        ...place(key),
        Fields: { 'Content-Type': contentType },
        Conditions: [['content-length-range', minSize, maxSize]],
        Expires: expiresIn,
      })
    },

    async get(key, { contentType, contentDisposition, expiresIn, signedAt }) {
      const query = {
        'response-content-disposition': contentDisposition,
        'response-content-type': contentType,
        'x-id': 'GetObject',
      }
      const at = signedAt === undefined ? {} : { signedAt }
      return {
        method: 'GET',
        url: await sign(key, { method: 'GET', query, headers: {}, expiresIn, ...at }),
        headers: {},
      }
    },
  }
}
