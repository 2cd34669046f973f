/** The stores that the tests of a protocol run against: always files, and a real S3 when the runner has one. */
import { randomBytes } from 'node:crypto'
import type { Environment } from '../config/index.ts'

export interface StoreUnderTest {
  name: string
  skip: string | false
  /** The settings of a server on an empty store of this kind. */
  environment(): Environment
}

const s3 = process.env.HELIOGRAPH_TEST_S3_URL

export const stores: StoreUnderTest[] = [
  { name: 'files', skip: false, environment: () => ({}) },
  {
    name: 'S3',
    skip: s3 === undefined ? 'needs an S3: run `npm run test:s3`, which starts one' : false,
    environment() {
      const url = new URL(s3 ?? 's3://nowhere')
      url.searchParams.set('prefix', `test-${randomBytes(6).toString('hex')}`)
      return { OBJECT_STORE_URL: url.href }
    },
  },
]
