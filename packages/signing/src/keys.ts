/**
 * The keys that sign and verify, as JSON Web Keys (RFC 7517): Ed25519 (RFC 8037), whose public half any edge may hold,
 * and HMAC-SHA256 for an edge that is trusted with the secret, thirty times cheaper to verify.
 *
 * Rotation: put the new key in front and give the old one `useUntil`, at least as far away as the longest life of what
 * it signed. A key past `useUntil` verifies nothing, and it signs nothing that would outlive it. Revocation: take the key
 * out, and all that it signed is refused.
 */
import { decodeBase64url, encodeBase64url } from './base64url.ts'

interface KeyLife {
  kid: string
  /** Unix seconds from which the key is not used any more; absent for a key without end. */
  useUntil?: number
}

export interface Ed25519Jwk extends KeyLife {
  kty: 'OKP'
  crv: 'Ed25519'
  /** Public key, 32 bytes as base64url. */
  x: string
  /** Private key, 32 bytes as base64url; absent where the ring only verifies. */
  d?: string
  alg?: 'EdDSA' | 'Ed25519'
  use?: 'sig'
}

export interface HmacJwk extends KeyLife {
  kty: 'oct'
  /** Secret of at least 32 bytes as base64url. */
  k: string
  alg?: 'HS256'
  use?: 'sig'
}

export type SigningJwk = Ed25519Jwk | HmacJwk

/** In order of preference: the first that can sign and lives long enough, signs. */
export interface SigningKeySet {
  keys: SigningJwk[]
}

/**
 * HMAC-SHA256 under `secret`, at once. WebCrypto answers through a thread pool, which costs several times the work itself;
 * a runtime that can do it synchronously may lend its own. It is given the secret once, since preparing a key costs as
 * much as five signatures (Node: `createSecretKey`, then `createHmac`).
 */
export type HmacSha256 = (secret: Uint8Array) => (data: Uint8Array) => Uint8Array

export interface KeyRingOptions {
  hmacSha256?: HmacSha256
}

export interface RingKey {
  kid: string
  algorithm: 'Ed25519' | 'HMAC'
  useUntil: number | null
  /** Null where only the public half is known. */
  signing: CryptoKey | null
  verifying: CryptoKey
  /** Set for a secret where the runtime lends its HMAC: to be used in place of the two keys. */
  mac: ((data: Uint8Array) => Uint8Array) | null
  /** Null for a secret that has no public half. */
  publicJwk: Ed25519Jwk | null
}

/**
 * Looked up by `kid` through a `Map`, so that no name means anything by itself. It may follow a source (`followKeys`) and
 * change: look keys up when they are used, and keep none.
 */
export type KeyRing = ReadonlyMap<string, RingKey>

const kidPattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/

/** Throws `TypeError` for a key that is malformed, too short or there twice. */
export async function createKeyRing(keySet: SigningKeySet, options: KeyRingOptions = {}): Promise<KeyRing> {
  const ring = new Map<string, RingKey>()
  for (const jwk of keySet.keys) {
    if (!kidPattern.test(jwk.kid)) throw new TypeError(`The key id ${JSON.stringify(jwk.kid)} is not valid`)
    if (ring.has(jwk.kid)) throw new TypeError(`The key id ${jwk.kid} is there twice`)
    ring.set(jwk.kid, jwk.kty === 'OKP' ? await importEd25519(jwk) : await importHmac(jwk, options))
  }
  return ring
}

/** Reads the JSON of a key set. Throws `SyntaxError` or `TypeError`; what the keys are is seen by `createKeyRing`. */
export function parseKeySet(text: string): SigningKeySet {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null || !('keys' in value) || !Array.isArray(value.keys)) {
    throw new TypeError('There is no list of keys')
  }
  return { keys: value.keys }
}

/** A fresh HMAC key, which signs by default, and a fresh Ed25519 key for edges that must not be able to sign. */
export async function generateKeySet(): Promise<SigningKeySet> {
  const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])
  if (!('privateKey' in pair)) throw new TypeError('This runtime made no Ed25519 key pair')
  const { x, d } = await crypto.subtle.exportKey('jwk', pair.privateKey)
  if (x === undefined || d === undefined) throw new TypeError('This runtime exports no Ed25519 keys')
  const secret = encodeBase64url(crypto.getRandomValues(new Uint8Array(32)))
  return {
    keys: [
      { kty: 'oct', k: secret, kid: randomKid('hmac'), alg: 'HS256', use: 'sig' },
      { kty: 'OKP', crv: 'Ed25519', x, d, kid: randomKid('ed'), alg: 'EdDSA', use: 'sig' },
    ],
  }
}

/** The public halves, for `/.well-known/jwks.json` and for edges that only verify. */
export function publicJwks(ring: KeyRing): { keys: Ed25519Jwk[] } {
  return { keys: [...ring.values()].flatMap(({ publicJwk }) => (publicJwk === null ? [] : [publicJwk])) }
}

export function isInUse(key: RingKey, nowSeconds: number): boolean {
  return key.useUntil === null || nowSeconds < key.useUntil
}

async function importEd25519(jwk: Ed25519Jwk): Promise<RingKey> {
  const { kid, x } = jwk
  if (jwk.crv !== 'Ed25519') throw new TypeError(`The key ${kid} is of a curve that is not supported`)
  requireBytes(kid, x)
  const half = { kty: 'OKP', crv: 'Ed25519', x }
  const life = lifeOf(jwk)
  return {
    kid,
    algorithm: 'Ed25519',
    useUntil: life.useUntil ?? null,
    signing: jwk.d === undefined ? null : await importPrivate(half, kid, jwk.d),
    verifying: await crypto.subtle.importKey('jwk', half, 'Ed25519', false, ['verify']),
    mac: null,
    publicJwk: { kty: 'OKP', crv: 'Ed25519', x, kid, alg: 'EdDSA', use: 'sig', ...life },
  }
}

function importPrivate(half: JsonWebKey, kid: string, d: string): Promise<CryptoKey> {
  requireBytes(kid, d)
  return crypto.subtle.importKey('jwk', { ...half, d }, 'Ed25519', false, ['sign'])
}

async function importHmac(jwk: HmacJwk, { hmacSha256 }: KeyRingOptions): Promise<RingKey> {
  if (jwk.kty !== 'oct') throw new TypeError(`The key ${jwk.kid} is of a type that is not supported`)
  const secret = requireBytes(jwk.kid, jwk.k)
  const key = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify'])
  const useUntil = lifeOf(jwk).useUntil ?? null
  const mac = hmacSha256?.(secret) ?? null
  return { kid: jwk.kid, algorithm: 'HMAC', useUntil, signing: key, verifying: key, mac, publicJwk: null }
}

function lifeOf({ kid, useUntil }: KeyLife): { useUntil?: number } {
  if (useUntil === undefined) return {}
  if (!Number.isSafeInteger(useUntil)) throw new TypeError(`useUntil of the key ${kid} is not in Unix seconds`)
  return { useUntil }
}

function requireBytes(kid: string, text: string): Uint8Array<ArrayBuffer> {
  const bytes = typeof text === 'string' ? decodeBase64url(text) : null
  if (bytes === null || bytes.length < 32) throw new TypeError(`The key ${kid} is not 32 bytes of base64url`)
  return bytes
}

function randomKid(prefix: string): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8))
  return `${prefix}-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
