/**
 * Makes signed URLs. WebCrypto answers through a thread pool, so ask for many at once (`Promise.all`, as a page of assets
 * does): an HMAC signature then costs 10 to 20 µs, against 45 to 70 µs one after the other; Ed25519 about twice that.
 */
import { encodeBase64url } from './base64url.ts'
import { isKey } from './canonical.ts'
import { typeOfKey } from './file-types.ts'
import {
  type DeliveryGrant,
  deliveryFormat,
  type PrefixGrant,
  prefixFormat,
  signedTextOf,
  type UploadGrant,
  uploadFormat,
} from './grants.ts'
import { isInUse, type KeyRing, type RingKey } from './keys.ts'

export interface Signer {
  /** `<base>/u/<key>?…`, to be PUT to. `base` is an origin, with or without a path. Throws `TypeError` for an impossible grant. */
  upload(base: string, grant: UploadGrant): Promise<string>
  /** `<base>/m/<key>?…`, to be got. */
  delivery(base: string, grant: DeliveryGrant): Promise<string>
  /**
   * Signs once for every object under the prefix, and returns what gives the URL of each. That throws `TypeError` for a key
   * that is not under the prefix or whose extension has no fixed type.
   */
  prefix(base: string, grant: PrefixGrant): Promise<(key: string) => string>
  /** The key that would sign what is good until `expires`: URLs made with another one are to be made anew. */
  keyId(expires: number): string
}

/**
 * Signs with the first key of the ring that can sign and stays in use for as long as the grant is good: no URL dies with
 * its key. Throws when there is none. `kind` leaves out keys of the other algorithm.
 */
export function createSigner(ring: KeyRing, kind: RingKey['algorithm'] | null = null): Signer {
  const signatureOf = async (text: string, expires: number) => {
    const key = signingKey(ring, kind, expires)
    const data = signedBytes(`${text}&kid=${key.kid}`)
    const signature = key.mac?.(data) ?? new Uint8Array(await crypto.subtle.sign(key.algorithm, key.signing, data))
    return `&kid=${key.kid}&sig=${encodeBase64url(signature)}`
  }
  const sign = async (base: string, text: string, expires: number) =>
    `${withoutSlash(base)}${text}${await signatureOf(text, expires)}`

  return {
    upload: async (base, grant) => sign(base, uploadFormat.format(grant), grant.expires),
    delivery: async (base, grant) => sign(base, deliveryFormat.format(grant), grant.expires),

    async prefix(base, grant) {
      // Any object will do: what is signed is without it.
      const sample = { ...grant, key: `${grant.prefix}0.mp4` }
      const text = prefixFormat.format(sample)
      const signature = await signatureOf(signedTextOf(text, sample), grant.expires)
      const start = `${withoutSlash(base)}/m/`
      const end = `${text.slice(text.indexOf('?'))}${signature}`
      return (key) => {
        // What of the grant depends on the key; the rest was looked at with the sample.
        if (!isKey(key) || !key.startsWith(grant.prefix) || typeOfKey(key) === null)
          throw new TypeError(`This grant cannot be signed: ${JSON.stringify({ ...grant, key })}`)
        return start + key + end
      }
    },

    keyId: (expires) => signingKey(ring, kind, expires).kid,
  }
}

/**
 * What is signed: path, all parameters and the key's id, after a name that no other use of the key begins with. The
 * purpose is the path's first segment. The origin is not part of it: any edge may serve the grant.
 */
export function signedBytes(unsigned: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`heliograph-grant-1\n${unsigned}`)
}

function withoutSlash(base: string): string {
  return base.replace(/\/$/, '')
}

function signingKey(
  ring: KeyRing,
  kind: RingKey['algorithm'] | null,
  expires: number,
): RingKey & { signing: CryptoKey } {
  for (const key of ring.values()) {
    if ((kind === null || key.algorithm === kind) && key.signing !== null && isInUse(key, expires - 1)) {
      return { ...key, signing: key.signing }
    }
  }
  throw new Error(`No${kind === null ? '' : ` ${kind}`} key can sign what is good until ${expires}`)
}
