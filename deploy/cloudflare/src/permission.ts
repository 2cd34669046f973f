/** Whether the request may have the object it names: decided before anything else is looked at, the cache above all. */
import {
  createVerifier,
  type FollowedKeys,
  followKeys,
  followRemoteKeys,
  publicObject,
  SignatureError,
  type Verifier,
} from '@heliograph/signing'
import { contentDisposition, safeDisposition } from '../../../packages/server/src/delivery/content-disposition.ts'
import { problems } from '../../../packages/server/src/problem.ts'
import type { CloudflareRequest, Environment } from './environment.ts'

export interface Permission {
  key: string
  /** How the file is to be treated, and by whom kept. */
  headers: Record<'content-type' | 'content-disposition' | 'cache-control', string>
}

/** Throws `Problem`. */
export type PermissionOf = (request: CloudflareRequest, env: Environment) => Promise<Permission>

/** Seconds between two looks at the keys, and the fewest between two looks for one that is not known. */
const lookEvery = 30
const lookAtMost = 5

/** Keeps keys and verdicts for as long as Cloudflare keeps this instance of the Worker. */
export function createPermissionOf(): PermissionOf {
  let known: { of: string; keys: FollowedKeys; verifier: Verifier } | null = null

  async function verifierOf(env: Environment): Promise<Verifier> {
    const of = `${env.JWKS_URL} ${env.SIGNING_KEYS}`
    if (known?.of !== of) {
      const keys = keysOf(env)
      known = { of, keys, verifier: createVerifier(keys.ring, { onUnknownKey: () => keys.refresh(lookAtMost) }) }
    }
    const { keys, verifier } = known
    try {
      await keys.refresh(lookEvery)
    } catch (cause) {
      throw problems.unavailable('The signing keys cannot be read. Try again in a moment.', { retryAfter: 5, cause })
    }
    return verifier
  }

  return async (request, env) => {
    const { pathname, search } = new URL(request.url)
    const open = publicObject(pathname + search)
    if (open !== null) {
      return {
        key: open.key,
        headers: {
          'content-type': open.type,
          'content-disposition': 'inline',
          'cache-control': 'public, max-age=31536000, immutable',
        },
      }
    }
    const verifier = await verifierOf(env)
    const visitor = { address: request.headers.get('cf-connecting-ip') ?? undefined, country: request.cf?.country }
    const grant = await verifier.delivery(pathname + search, visitor).catch((error: unknown) => {
      throw error instanceof SignatureError ? problemOf(error) : error
    })
    return {
      key: grant.key,
      headers: {
        'content-type': grant.type,
        'content-disposition': contentDisposition(safeDisposition(grant.type, grant.disposition), grant.filename),
        'cache-control': `private, max-age=${Math.max(0, grant.expires - Math.ceil(Date.now() / 1000))}, immutable`,
      },
    }
  }
}

function keysOf({ SIGNING_KEYS: text, JWKS_URL: url }: Environment): FollowedKeys {
  const onError = (error: unknown) => console.error('the signing keys could not be read again', error)
  if (text !== undefined) return followKeys({ read: async () => text, onError })
  if (url === undefined) throw new Error('Set JWKS_URL, or the secret SIGNING_KEYS')
  return followRemoteKeys({ url, onError })
}

function problemOf({ reason }: SignatureError) {
  switch (reason) {
    case 'expired':
      return problems.linkExpired('The URL was valid and its time is over. Ask for a new one.')
    case 'elsewhere':
      return problems.invalidSignature('The URL is for another place. Ask for a new one.')
    case 'invalid':
      return problems.invalidSignature('The URL is not one that this server signed.')
  }
}
