/** Delivery by the object store itself, under presigned URLs: nothing to run, and every byte is the store's to serve. */
import { SettingsError } from '../config/index.ts'
import type { Presigner } from '../engines/object-store/object-store.ts'
import { contentDisposition } from './content-disposition.ts'
import type { Deliverer, Link } from './deliverer.ts'

/** S3 refuses a presigned URL that is to live longer: seven days, and ours may live two buckets. */
const longestBucket = 604_800 / 2

/** @param presigner null for a store that cannot sign. Throws `SettingsError`. */
export function createS3Deliverer(presigner: Presigner | null, deliveryBucket: number): Deliverer {
  if (presigner === null) {
    throw new SettingsError('DELIVERY=s3 needs an OBJECT_STORE_URL that starts with s3:. With files use DELIVERY=edge.')
  }
  const bucket = Math.min(deliveryBucket, longestBucket)

  const presign = async ({ file, disposition, expires }: Link) => {
    const { url } = await presigner.get(file.object_key, {
      contentType: file.content_type,
      contentDisposition: contentDisposition(disposition, file.filename),
      expiresIn: 2 * bucket,
      // Dated at the start of the bucket, so that every process signs the same URL.
      signedAt: new Date((expires - 2 * bucket) * 1000),
    })
    return url
  }

  return {
    longestBucket,
    version: () => '',
    async sign(link) {
      if (link.place !== undefined) throw new TypeError('A presigned URL cannot be bound to a place')
      return presign(link)
    },
    signPrefix: null,
    async publicUrlOf(key) {
      // The object's address is that of a signed URL without the signature.
      const { url } = await presigner.get(key, { contentType: '', contentDisposition: '', expiresIn: 1 })
      return url.slice(0, url.indexOf('?'))
    },
  }
}
