/**
 * Grants to put and get bytes, as signed URLs. WebCrypto only, no dependencies: the same code runs in Node, in a browser
 * and in a Cloudflare Worker.
 *
 * @example
 * const ring = await createKeyRing(await generateKeySet())
 * const url = await createSigner(ring).delivery('https://media.example', {
 *   key: 'originals/0f3c…', type: 'image/jpeg', disposition: 'inline', filename: 'IMG_1.jpg',
 *   expires: expiryBucket(Date.now() / 1000, 3600),
 * })
 * const grant = await createVerifier(ring).delivery(new URL(url).pathname + new URL(url).search)
 */
export { isPrefix } from './canonical.ts'
export { expiryBucket } from './expiry.ts'
export { type PublicObject, publicObject, typeOfKey } from './file-types.ts'
export {
  type FollowedKeys,
  type FollowOptions,
  followKeys,
  followRemoteKeys,
  type RemoteKeysOptions,
} from './follow-keys.ts'
export type { DeliveryGrant, PrefixGrant, UploadGrant } from './grants.ts'
export {
  createKeyRing,
  type Ed25519Jwk,
  generateKeySet,
  type HmacJwk,
  type HmacSha256,
  type KeyRing,
  type KeyRingOptions,
  parseKeySet,
  publicJwks,
  type SigningJwk,
  type SigningKeySet,
} from './keys.ts'
export { isAt, type Place, placeOf, type Visitor } from './place.ts'
export { SignatureError } from './signature-error.ts'
export { createSigner, type Signer } from './signer.ts'
export { createVerifier, type Verifier, type VerifierOptions } from './verifier.ts'
