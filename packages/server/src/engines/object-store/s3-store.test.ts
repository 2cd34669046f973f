import { randomBytes } from 'node:crypto'
import { describeObjectStore } from './contract.ts'
import { createS3Store } from './s3-store.ts'

const testUrl = process.env.HELIOGRAPH_TEST_S3_URL
const skip = testUrl === undefined ? 'needs an S3: run `npm run test:s3`, which starts one' : false

/** Every run works under a prefix of its own. */
const url = new URL(testUrl ?? 's3://nowhere')
url.searchParams.set('prefix', `test-${randomBytes(6).toString('hex')}`)

describeObjectStore(
  'S3',
  async () => {
    const store = createS3Store({ url: url.href })
    await store.ensureBucket()
    return store
  },
  skip,
)
