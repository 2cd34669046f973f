/**
 * The URLs under which people get their files: signed, the same within a time bucket so that browsers and caches keep
 * what they have, and dead soon after. Who serves them is one setting, `DELIVERY`; see `docs/decisions/0034-who-delivers.md`.
 */
import {
  createSigner,
  expiryBucket,
  isPrefix,
  type KeyRing,
  type Place,
  publicObject,
  typeOfKey,
} from '@heliograph/signing'
import { type Config, SettingsError } from '../config/index.ts'
import type { ObjectStore } from '../engines/object-store/object-store.ts'
import { type CloudfrontSettings, createCloudfrontDeliverer } from './cloudfront-deliverer.ts'
import { type Disposition, safeDisposition } from './content-disposition.ts'
import type { Deliverable, Deliverer } from './deliverer.ts'
import { createEdgeDeliverer } from './edge-deliverer.ts'
import { createS3Deliverer } from './s3-deliverer.ts'

export interface Delivery {
  /**
   * Valid for at least `DELIVERY_BUCKET` seconds and the same within one bucket. What could run script is an attachment
   * whatever is asked. Ask for many at once: signing is several times cheaper together. Bound to a place, the URL is good
   * for nobody elsewhere; only the edge and the Worker can do that, others throw `TypeError`. With `until` it is dead from
   * that second on, should its bucket last longer.
   */
  urlOf(file: Deliverable, disposition?: Disposition, place?: Place, until?: Date | null): Promise<string>
  /**
   * The URLs of files whose keys all begin with `prefix`, which ends in `/`, to be shown: the parts of one video. One
   * signature where the deliverer knows prefixes. Their types follow from their extensions (`typeOfKey`); throws
   * `TypeError` for a key that is not under the prefix or has no such extension.
   */
  urlsUnder(prefix: string, files: readonly Deliverable[]): Promise<string[]>
  /** Changes when the URLs do: with the bucket, and with the key in use. */
  version(): string
  /** The stable URL of a public object. Throws `TypeError` for a key that `publicObject` does not know. */
  publicUrlOf(key: string): Promise<string>
}

export interface DeliveryOptions {
  ring: KeyRing
  /** Base URL of this program. Read at each signing: a free port is known late. */
  readonly publicUrl: string
  store: Pick<ObjectStore, 'presigner'>
  config: Pick<Config, 'delivery' | 'deliveryBucket' | 'deliveryAlgorithm'> & CloudfrontSettings
  now: () => Date
}

/** URLs remembered within a bucket, about 400 bytes each: a page that is asked for again costs no signing. */
const rememberedUrls = 20_000

/** Throws `SettingsError` when the deliverer cannot do its work with these settings. */
export function createDelivery(options: DeliveryOptions): Delivery {
  const deliverer = chooseDeliverer(options)
  const bucket = Math.min(options.config.deliveryBucket, deliverer.longestBucket)
  const remember = createMemory()
  const versionOf = (expires: number) => `${expires} ${deliverer.version(expires)}`
  const endOfBucket = () => expiryBucket(options.now().getTime() / 1000, bucket)

  const delivery: Delivery = {
    urlOf(file, wanted = 'inline', place, until = null) {
      const disposition = safeDisposition(file.content_type, wanted)
      const expires = endOfBucket()
      const end = until === null ? expires : Math.floor(until.getTime() / 1000)
      // Not remembered: each such end would begin the memory anew.
      if (end < expires) return deliverer.sign({ file, disposition, place, expires: end })
      const identity = JSON.stringify([file.object_key, disposition, file.filename, file.content_type, place])
      return remember(versionOf(expires), identity, () => deliverer.sign({ file, disposition, place, expires }))
    },

    async urlsUnder(prefix, files) {
      assertUnder(prefix, files)
      if (deliverer.signPrefix === null) return Promise.all(files.map((file) => delivery.urlOf(file)))
      const urlOf = await deliverer.signPrefix(prefix, endOfBucket())
      return files.map((file) => urlOf(file.object_key))
    },

    version: () => versionOf(endOfBucket()),

    async publicUrlOf(key) {
      if (publicObject(`/m/${key}`) === null) throw new TypeError(`${key} is not the key of a public object`)
      return deliverer.publicUrlOf(key)
    },
  }
  return delivery
}

/** The same for every deliverer, of which some would sign anything: a prefix without a slash opens its neighbours. */
function assertUnder(prefix: string, files: readonly Deliverable[]): void {
  if (!isPrefix(prefix)) throw new TypeError(`${JSON.stringify(prefix)} is not a prefix: it must end in a slash`)
  const stranger = files.find(({ object_key: key }) => !key.startsWith(prefix) || typeOfKey(key) === null)
  if (stranger !== undefined) throw new TypeError(`${stranger.object_key} is not a file of ${prefix} with a known type`)
}

function chooseDeliverer(options: DeliveryOptions): Deliverer {
  const { config, ring, store } = options
  switch (config.delivery) {
    case 'edge':
      return createEdgeDeliverer({ signer: createSigner(ring), baseUrl: () => config.deliveryUrl ?? options.publicUrl })
    case 'cloudflare': {
      const baseUrl = config.deliveryUrl
      if (baseUrl === null)
        throw new SettingsError('DELIVERY=cloudflare also needs DELIVERY_URL with the address of the Worker.')
      const signer = createSigner(ring, config.deliveryAlgorithm === 'hmac' ? 'HMAC' : 'Ed25519')
      return createEdgeDeliverer({ signer, baseUrl: () => baseUrl })
    }
    case 's3':
      return createS3Deliverer(store.presigner, config.deliveryBucket)
    case 'cloudfront':
      if (store.presigner === null) {
        throw new SettingsError(
          'DELIVERY=cloudfront needs an OBJECT_STORE_URL that starts with s3:, the bucket it serves.',
        )
      }
      return createCloudfrontDeliverer(config)
  }
}

/** Remembers URLs of one version, by what they are of; a new bucket or key, or too many of them, begins anew. */
function createMemory() {
  const urls = new Map<string, string>()
  let current = ''

  return async (version: string, identity: string, sign: () => Promise<string>): Promise<string> => {
    if (version !== current || urls.size >= rememberedUrls) {
      current = version
      urls.clear()
    }
    const known = urls.get(identity)
    if (known !== undefined) return known
    const url = await sign()
    // A bucket may have turned, or a key gone, while this one was signed.
    if (current === version) urls.set(identity, url)
    return url
  }
}
