/**
 * The URLs under which people get their files: signed, the same within a time bucket so that browsers and caches keep
 * what they have, and dead soon after. Served by the edges, or with `DELIVERY=s3` by the store itself.
 */
import { expiryBucket, type Signer } from '@heliograph/signing'
import type { Config } from '../config/index.ts'
import type { ObjectStore, Presigner } from '../engines/object-store/object-store.ts'
import { contentDisposition, type Disposition, safeDisposition } from './content-disposition.ts'
import { safeFilename } from './filename.ts'

/** A file as its row names it: an asset's original, later a rendition. */
export interface Deliverable {
  object_key: string
  content_type: string
  /** Null where it has no name of its own. */
  filename: string | null
}

export interface Delivery {
  /**
   * Valid for at least `DELIVERY_BUCKET` seconds and the same within one bucket. What could run script is an attachment
   * whatever is asked. Ask for many at once: signing is several times cheaper together.
   */
  urlOf(file: Deliverable, disposition?: Disposition): Promise<string>
}

export interface DeliveryOptions {
  signer: Signer
  /** Base URL of the edge that serves: `PUBLIC_URL` on one machine. Read at each signing: a free port is known late. */
  readonly publicUrl: string
  store: Pick<ObjectStore, 'presigner'>
  config: Pick<Config, 'delivery' | 'deliveryBucket'>
  now: () => Date
}

/** URLs remembered within a bucket, about 400 bytes each: a page that is asked for again costs no signing. */
const rememberedUrls = 20_000

/** S3 refuses a presigned URL that is to live longer: seven days, and ours may live two buckets. */
const longestPresignedBucket = 604_800 / 2

/** Throws when `DELIVERY=s3` is set for a store that cannot sign. */
export function createDelivery(options: DeliveryOptions): Delivery {
  const sign = options.config.delivery === 's3' ? presignWithStore(options) : signForEdge(options)
  const bucket =
    options.config.delivery === 's3'
      ? Math.min(options.config.deliveryBucket, longestPresignedBucket)
      : options.config.deliveryBucket
  const remembered = { expires: 0, urls: new Map<string, string>() }

  return {
    async urlOf(file, wanted = 'inline') {
      const expires = expiryBucket(options.now().getTime() / 1000, bucket)
      if (expires !== remembered.expires || remembered.urls.size >= rememberedUrls) {
        remembered.expires = expires
        remembered.urls.clear()
      }
      const disposition = safeDisposition(file.content_type, wanted)
      const identity = JSON.stringify([file.object_key, disposition, file.filename, file.content_type])
      const known = remembered.urls.get(identity)
      if (known !== undefined) return known
      const url = await sign({ file, disposition, expires, bucket })
      // A bucket may have turned while this one was signed.
      if (remembered.expires === expires) remembered.urls.set(identity, url)
      return url
    },
  }
}

type Sign = (link: { file: Deliverable; disposition: Disposition; expires: number; bucket: number }) => Promise<string>

function signForEdge(options: DeliveryOptions): Sign {
  return ({ file, disposition, expires }) =>
    options.signer.delivery(options.publicUrl, {
      key: file.object_key,
      type: file.content_type,
      disposition,
      filename: file.filename === null ? null : safeFilename(file.filename),
      expires,
    })
}

function presignWithStore({ store }: DeliveryOptions): Sign {
  if (store.presigner === null) {
    throw new Error('DELIVERY=s3 needs an object store that signs URLs; with files use DELIVERY=edge')
  }
  const presigner: Presigner = store.presigner
  return async ({ file, disposition, expires, bucket }) => {
    const { url } = await presigner.get(file.object_key, {
      contentType: file.content_type,
      contentDisposition: contentDisposition(disposition, file.filename),
      expiresIn: 2 * bucket,
      // Dated at the start of the bucket, so that every process signs the same URL.
      signedAt: new Date((expires - 2 * bucket) * 1000),
    })
    return url
  }
}
