/** The edges that uploads are planned over. */
import { createSigner, type KeyRing } from '@heliograph/signing'
import type { Config } from '../config/index.ts'
import type { UploadEdge } from '../uploads/index.ts'

/** The edge of this program first (it knows the HMAC key), then those elsewhere (they verify with the public one). */
export function edgesOf(config: Config, ring: KeyRing, site: { readonly publicUrl: string }): UploadEdge[] {
  const trusted = createSigner(ring)
  const remote = createSigner(ring, 'Ed25519')
  const own: UploadEdge = {
    name: 'edge',
    get baseUrl() {
      return site.publicUrl
    },
    sign: (baseUrl, grant) => trusted.upload(baseUrl, grant),
  }
  const others = config.edgeUrls.map((entry, index) => {
    const [, name, baseUrl] = /^([a-z0-9-]+)=(https?:\/\/.+)$/.exec(entry) ?? []
    if (name === undefined || baseUrl === undefined) {
      throw new Error(`EDGE_URLS: entry ${index + 1} must look like name=https://edge.example`)
    }
    return {
      name,
      baseUrl: baseUrl.replace(/\/$/, ''),
      sign: (base: string, grant: Parameters<UploadEdge['sign']>[1]) => remote.upload(base, grant),
    }
  })
  return [own, ...others]
}

/** Web origins that may call api and edge from a browser. */
export function originsOf(config: Pick<Config, 'publicUrl' | 'corsOrigins'>): string[] {
  const own = config.publicUrl === null ? [] : [new URL(config.publicUrl).origin]
  return [...own, ...config.corsOrigins]
}
