/**
 * The design that direct uploads replace: Express takes the body and streams it on to S3 with PutObject, in constant
 * memory, through the AWS SDK as it is documented.
 */
import { randomUUID } from 'node:crypto'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import express from 'express'

const { PORT = '0', S3_ENDPOINT = '', S3_BUCKET = '', S3_ACCESS_KEY = '', S3_SECRET_KEY = '' } = process.env

const s3 = new S3Client({
  endpoint: S3_ENDPOINT,
  region: 'us-east-1',
  forcePathStyle: true,
  credentials: { accessKeyId: S3_ACCESS_KEY, secretAccessKey: S3_SECRET_KEY },
  // Ceph's gateway refuses a streamed body with the SDK's default trailing checksum.
  requestChecksumCalculation: 'WHEN_REQUIRED',
  // The default of 50 would queue the rest while their clients wait.
  requestHandler: { httpAgent: { maxSockets: 1_000 } },
})

const app = express()
app.put('/', async (request, response) => {
  const size = Number(request.headers['content-length'])
  await s3.send(new PutObjectCommand({ Bucket: S3_BUCKET, Key: randomUUID(), Body: request, ContentLength: size }))
  response.status(201).end()
})
app.listen(Number(PORT), '127.0.0.1')
