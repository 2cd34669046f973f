/** Delivery by an edge that verifies grants: the one in this program, or the Cloudflare Worker of `deploy/cloudflare`. */
import type { Signer } from '@heliograph/signing'
import type { Deliverer } from './deliverer.ts'
import { safeFilename } from './filename.ts'

export interface EdgeDelivererOptions {
  signer: Signer
  /** Asked at each signing: a free port is known late. */
  baseUrl: () => string
}

export function createEdgeDeliverer({ signer, baseUrl }: EdgeDelivererOptions): Deliverer {
  return {
    longestBucket: Number.POSITIVE_INFINITY,
    version: (expires) => signer.keyId(expires),
    sign: ({ file, disposition, place, expires }) =>
      signer.delivery(baseUrl(), {
        key: file.object_key,
        type: file.content_type,
        disposition,
        filename: file.filename === null ? null : safeFilename(file.filename),
        ...(place === undefined ? {} : { place }),
        expires,
      }),
    signPrefix: (prefix, expires) => signer.prefix(baseUrl(), { prefix, expires }),
    publicUrlOf: async (key) => `${baseUrl().replace(/\/$/, '')}/m/${key}`,
  }
}
