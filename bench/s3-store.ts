/** Ceph's gateway for one run, with an empty bucket, and the count of what it keeps in the end. */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateBucketCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3'
import { startRadosgw } from '../scripts/radosgw.mjs'
import { benchDirectory, type S3Target } from './contender.ts'

const bucket = 'bench'

export async function startS3Store(): Promise<S3Target> {
  const directory = await mkdtemp(join(benchDirectory(), 'heliograph-bench-s3-'))
  const gateway = await startRadosgw({ dir: directory })
  const { url: endpoint, accessKey, secretKey } = gateway
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
  })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  return {
    endpoint,
    bucket,
    accessKey,
    secretKey,
    async count(size) {
      let count = 0
      for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket })) {
        count += (page.Contents ?? []).filter((object) => object.Size === size).length
      }
      return count
    },
    async stop() {
      client.destroy()
      await gateway.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
