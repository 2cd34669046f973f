/**
 * Verifies signed URLs. Everything that is not exactly what a signer wrote is `invalid`; only after the signature was
 * right is a URL told to be `expired`. Good verdicts are remembered, so that a video player's hundred range requests cost
 * one verification; bad ones are not, so that nobody can fill the memory with them.
 */
import { decodeBase64url } from './base64url.ts'
import { unixNow } from './expiry.ts'
import { type DeliveryGrant, deliveryFormat, type GrantFormat, type UploadGrant, uploadFormat } from './grants.ts'
import { isInUse, type KeyRing, type RingKey } from './keys.ts'
import { createRecent } from './recent.ts'
import { SignatureError } from './signature-error.ts'
import { signedBytes } from './signer.ts'

export interface Verifier {
  /** @param pathAndQuery as received, `/u/…?…`. Throws `SignatureError`. */
  upload(pathAndQuery: string): Promise<UploadGrant>
  /** @param pathAndQuery as received, `/m/…?…`. Throws `SignatureError`. */
  delivery(pathAndQuery: string): Promise<DeliveryGrant>
}

export interface VerifierOptions {
  /** Unix seconds. */
  now?: () => number
  /** Verdicts remembered of either purpose, each about a kilobyte; 4,096 by default. */
  cacheSize?: number
}

/** No signer writes a longer one. */
const longestUrl = 8192

export function createVerifier(ring: KeyRing, { now = unixNow, cacheSize = 4096 }: VerifierOptions = {}): Verifier {
  return {
    upload: createPurpose(uploadFormat, ring, now, cacheSize),
    delivery: createPurpose(deliveryFormat, ring, now, cacheSize),
  }
}

function createPurpose<G extends { expires: number }>(
  format: GrantFormat<G>,
  ring: KeyRing,
  now: () => number,
  cacheSize: number,
): (pathAndQuery: string) => Promise<G> {
  const verdicts = createRecent<Readonly<G>>(cacheSize)

  return async (pathAndQuery) => {
    const parts = takeApart(pathAndQuery)
    const key = parts === null ? undefined : ring.get(parts.kid)
    if (parts === null || key === undefined || !isInUse(key, now())) throw new SignatureError('invalid')

    let grant = verdicts.get(pathAndQuery)
    if (grant === undefined) {
      const parsed = format.parse(parts.text)
      const signature = decodeBase64url(parts.signature)
      if (parsed === null || signature === null) throw new SignatureError('invalid')
      if (!(await isSignedBy(key, signature, signedBytes(parts.unsigned)))) throw new SignatureError('invalid')
      grant = parsed
      verdicts.set(pathAndQuery, grant)
    }
    if (now() >= grant.expires) throw new SignatureError('expired')
    return { ...grant }
  }
}

async function isSignedBy(
  key: RingKey,
  signature: Uint8Array<ArrayBuffer>,
  data: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  if (key.mac === null) return crypto.subtle.verify(key.algorithm, key.verifying, signature, data)
  return areEqual(key.mac(data), signature)
}

/** In a time that tells nothing about where they differ. */
function areEqual(one: Uint8Array, other: Uint8Array): boolean {
  let difference = one.length ^ other.length
  for (let index = 0; index < one.length; index += 1) difference |= (one[index] ?? 0) ^ (other[index] ?? 0)
  return difference === 0
}

/** `<text>&kid=<kid>&sig=<signature>`, where `unsigned` is all before the signature. */
function takeApart(pathAndQuery: string) {
  const signatureAt = pathAndQuery.lastIndexOf('&sig=')
  const kidAt = pathAndQuery.lastIndexOf('&kid=', signatureAt)
  if (pathAndQuery.length > longestUrl || signatureAt === -1 || kidAt === -1) return null
  return {
    text: pathAndQuery.slice(0, kidAt),
    kid: pathAndQuery.slice(kidAt + 5, signatureAt),
    unsigned: pathAndQuery.slice(0, signatureAt),
    signature: pathAndQuery.slice(signatureAt + 5),
  }
}
