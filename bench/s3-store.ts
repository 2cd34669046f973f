/** Ceph's gateway for one run, with an empty bucket, and the count of what it keeps in the end. */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3'
import { startRadosgw } from '../scripts/radosgw.mjs'
import { type Backing, benchDirectory } from './contender.ts'

export async function startS3Store(): Promise<Backing> {
  const directory = await mkdtemp(join(benchDirectory(), 'heliograph-bench-s3-'))
  const { url, endpoint, bucket, accessKey, secretKey, stop } = await startRadosgw({ dir: directory })
  return {
    environment: {
      OBJECT_STORE_URL: url,
      S3_ENDPOINT: endpoint,
      S3_BUCKET: bucket,
      S3_ACCESS_KEY: accessKey,
      S3_SECRET_KEY: secretKey,
    },

    async count(size) {
      const client = new S3Client({
        endpoint,
        region: 'us-east-1',
        forcePathStyle: true,
        credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
      })
      let count = 0
      for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket })) {
        count += (page.Contents ?? []).filter((object) => object.Size === size).length
      }
      client.destroy()
      return count
    },

    async stop() {
      await stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
