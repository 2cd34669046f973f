import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GetObjectCommand, PutObjectCommand, S3Client, UploadPartCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { createPresigner } from './presigner.ts'

/** Both in any order of parameters, since the SDK appends where we sort. */
function parts(url: string) {
  const { origin, pathname, searchParams } = new URL(url)
  return { origin, pathname, query: Object.fromEntries(searchParams) }
}

describe('a presigned URL is the one the SDK makes', () => {
  const stores = [
    { name: 'on AWS', options: { region: 'eu-central-1' }, bucket: 'photos', prefix: '' },
    { name: 'on AWS in a bucket with dots', options: { region: 'us-east-1' }, bucket: 'my.photos', prefix: 'a b/ü*/' },
    {
      name: 'on a store of its own',
      options: { region: 'garage', endpoint: 'http://127.0.0.1:3900/base', forcePathStyle: true },
      bucket: 'photos',
      prefix: 'tenant/',
    },
  ]
  const key = 'originals/0123456789abcdef'
  const sha256 = new Uint8Array(32).fill(7)

  for (const { name, options, bucket, prefix } of stores) {
    for (const sessionToken of [undefined, 'token/with+signs=']) {
      it(`${name}, with${sessionToken === undefined ? 'out' : ''} a session token`, async (t) => {
        t.mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 10, 20, 12) })
        const client = new S3Client({
          ...options,
          requestChecksumCalculation: 'WHEN_REQUIRED',
          responseChecksumValidation: 'WHEN_REQUIRED',
          credentials: { accessKeyId: 'AKID', secretAccessKey: 'secret/key', ...(sessionToken && { sessionToken }) },
        })
        const presigner = createPresigner({ client, bucket, prefix, timeout: 1000 })
        const place = { Bucket: bucket, Key: `${prefix}${key}` }

        const put = await presigner.put(key, { size: 1234, contentType: 'image/jpeg', sha256, expiresIn: 600 })
        const checksum = Buffer.from(sha256).toString('base64')
        const theirPut = await getSignedUrl(
          client,
          new PutObjectCommand({
            ...place,
            ContentLength: 1234,
            ContentType: 'image/jpeg',
            IfNoneMatch: '*',
            ChecksumSHA256: checksum,
          }),
          {
            expiresIn: 600,
            signableHeaders: new Set([
              'host',
              'content-length',
              'content-type',
              'if-none-match',
              'x-amz-checksum-sha256',
            ]),
            unhoistableHeaders: new Set(['x-amz-checksum-sha256']),
          },
        )
        assert.deepEqual(parts(put.url), parts(theirPut))
        assert.deepEqual(put.headers, {
          'content-type': 'image/jpeg',
          'if-none-match': '*',
          'x-amz-checksum-sha256': checksum,
        })

        const part = await presigner.part(key, 'upload~id', { number: 3, size: 99 }, 600)
        const theirPart = await getSignedUrl(
          client,
          new UploadPartCommand({ ...place, UploadId: 'upload~id', PartNumber: 3, ContentLength: 99 }),
          { expiresIn: 600, signableHeaders: new Set(['host', 'content-length']) },
        )
        assert.deepEqual(parts(part.url), parts(theirPart))

        const signedAt = new Date(Date.UTC(2026, 10, 19, 23, 59))
        const contentDisposition = `attachment; filename="a'b (1)*.jpg"; filename*=UTF-8''%EC%82%AC.jpg`
        const got = await presigner.get(key, {
          contentType: 'image/jpeg',
          contentDisposition,
          expiresIn: 900,
          signedAt,
        })
        const theirGet = await getSignedUrl(
          client,
          new GetObjectCommand({
            ...place,
            ResponseContentType: 'image/jpeg',
            ResponseContentDisposition: contentDisposition,
          }),
          { expiresIn: 900, signingDate: signedAt },
        )
        assert.deepEqual(parts(got.url), parts(theirGet))
        client.destroy()
      })
    }
  }
})
