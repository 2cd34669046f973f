/**
 * Verifies signed URLs. Everything that is not exactly what a signer wrote is `invalid`; only after the signature was
 * right is a URL told to be `expired`. Good verdicts are remembered, so that a video player's hundred range requests cost
 * one verification; bad ones are not, so that nobody can fill the memory with them. A verdict is about the signature
 * alone: time, place and the key's life are looked at every time.
 */
import { decodeBase64url } from './base64url.ts'
import { unixNow } from './expiry.ts'
import { type DeliveryGrant, readDelivery, type UploadGrant, uploadFormat } from './grants.ts'
import { isInUse, type KeyRing, type RingKey } from './keys.ts'
import { isAt, type Place, type Visitor } from './place.ts'
import { createRecent } from './recent.ts'
import { SignatureError } from './signature-error.ts'
import { signedBytes } from './signer.ts'

export interface Verifier {
  /** @param pathAndQuery as received, `/u/…?…`. Throws `SignatureError`. */
  upload(pathAndQuery: string): Promise<UploadGrant>
  /**
   * @param pathAndQuery as received, `/m/…?…`.
   * @param visitor who asks, as far as the edge knows; a grant bound to a place that is not known is refused. Take
   * neither from what the visitor says. Throws `SignatureError`.
   */
  delivery(pathAndQuery: string, visitor?: Visitor): Promise<DeliveryGrant>
  /**
   * The grant of a `/m/…` URL that `delivery` verified lately and that is still good, without waiting. Null for every other
   * URL, and for one that is bound to a place: ask `delivery`.
   */
  recall(pathAndQuery: string): Readonly<DeliveryGrant> | null
}

export interface VerifierOptions {
  /** Unix seconds. */
  now?: () => number
  /** Verdicts remembered of either purpose, each about a kilobyte; 4,096 by default. */
  cacheSize?: number
  /** Asked once before the URL of an unknown key is refused: a key may just have been made. See `followKeys`. */
  onUnknownKey?: () => Promise<void>
}

/** No signer writes a longer one. */
const longestUrl = 8192

export function createVerifier(ring: KeyRing, options: VerifierOptions = {}): Verifier {
  const upload = createPurpose(readUpload, ring, options)
  const delivery = createPurpose(readDelivery, ring, options)
  return {
    upload: (pathAndQuery) => upload.verify(pathAndQuery, {}),
    delivery: (url, visitor = {}) => delivery.verify(url, visitor),
    recall: delivery.recall,
  }
}

type Read<G> = (text: string) => { grant: G; signed: string } | null

function readUpload(text: string): { grant: UploadGrant; signed: string } | null {
  const grant = uploadFormat.parse(text)
  return grant === null ? null : { grant, signed: text }
}

interface Purpose<G> {
  verify(pathAndQuery: string, visitor: Visitor): Promise<G>
  recall(pathAndQuery: string): Readonly<G> | null
}

function createPurpose<G extends { expires: number; place?: Place }>(
  parse: Read<G>,
  ring: KeyRing,
  { now = unixNow, cacheSize = 4096, onUnknownKey }: VerifierOptions,
): Purpose<G> {
  // With the key itself, since a key id may come to mean another key.
  const verdicts = createRecent<{ grant: Readonly<G>; key: RingKey }>(cacheSize)
  // Of a prefix: what was signed is shorter than each of the many URLs.
  const signatures = createRecent<RingKey>(cacheSize)

  async function keyOf(kid: string): Promise<RingKey> {
    if (!ring.has(kid)) await onUnknownKey?.()
    const key = ring.get(kid)
    if (key === undefined || !isInUse(key, now())) throw new SignatureError('invalid')
    return key
  }

  async function read(parts: TakenApart, key: RingKey): Promise<G> {
    const found = parse(parts.text)
    const signature = decodeBase64url(parts.signature)
    if (found === null || signature === null) throw new SignatureError('invalid')
    const isShared = found.signed !== parts.text
    const identity = isShared ? `${found.signed}&kid=${parts.kid}&sig=${parts.signature}` : ''
    if (isShared && signatures.get(identity) === key) return found.grant
    if (!(await isSignedBy(key, signature, signedBytes(`${found.signed}&kid=${parts.kid}`)))) {
      throw new SignatureError('invalid')
    }
    if (isShared) signatures.set(identity, key)
    return found.grant
  }

  return {
    async verify(pathAndQuery, visitor) {
      const parts = takeApart(pathAndQuery)
      if (parts === null) throw new SignatureError('invalid')
      const key = await keyOf(parts.kid)

      const known = verdicts.get(pathAndQuery)
      const grant = known?.key === key ? known.grant : await read(parts, key)
      if (known?.key !== key) verdicts.set(pathAndQuery, { grant, key })

      if (now() >= grant.expires) throw new SignatureError('expired')
      if (grant.place !== undefined && !isAt(grant.place, visitor)) throw new SignatureError('elsewhere')
      return grant.place === undefined ? { ...grant } : { ...grant, place: { ...grant.place } }
    },

    recall(pathAndQuery) {
      const known = verdicts.get(pathAndQuery)
      if (known === undefined || known.grant.place !== undefined || now() >= known.grant.expires) return null
      return ring.get(known.key.kid) === known.key && isInUse(known.key, now()) ? known.grant : null
    },
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

interface TakenApart {
  /** All before the key. */
  text: string
  kid: string
  signature: string
}

/** `<text>&kid=<kid>&sig=<signature>`. */
function takeApart(pathAndQuery: string): TakenApart | null {
  const signatureAt = pathAndQuery.lastIndexOf('&sig=')
  const kidAt = pathAndQuery.lastIndexOf('&kid=', signatureAt)
  if (pathAndQuery.length > longestUrl || signatureAt === -1 || kidAt === -1) return null
  return {
    text: pathAndQuery.slice(0, kidAt),
    kid: pathAndQuery.slice(kidAt + 5, signatureAt),
    signature: pathAndQuery.slice(signatureAt + 5),
  }
}
