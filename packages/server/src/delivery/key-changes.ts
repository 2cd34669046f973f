/**
 * What may be done to the signing keys. Rotation: new keys sign, old ones verify until what they signed is over.
 * Revocation: a key is gone at once, with every URL it signed. Either way one key of each kind can sign afterwards.
 */
import { generateKeySet, type SigningJwk, type SigningKeySet } from '@heliograph/signing'

export interface KeyDescription {
  kid: string
  algorithm: 'HMAC' | 'Ed25519'
  /** `retiring` keys still verify; `over` ones do nothing and go with the next rotation. */
  state: 'signing' | 'spare' | 'retiring' | 'over'
  /** Unix seconds; null without end. */
  useUntil: number | null
}

/** @param now Unix seconds. */
export function describeKeys({ keys }: SigningKeySet, now: number): KeyDescription[] {
  const signing = new Set<string>()
  return keys.map((key) => {
    const algorithm = algorithmOf(key)
    const useUntil = key.useUntil ?? null
    const canSign = useUntil === null && !signing.has(algorithm)
    if (canSign) signing.add(algorithm)
    const state = canSign ? 'signing' : useUntil === null ? 'spare' : now < useUntil ? 'retiring' : 'over'
    return { kid: key.kid, algorithm, state, useUntil }
  })
}

/** @param retireAt Unix seconds at which the last URL signed by now is over. */
export async function rotateKeys({ keys }: SigningKeySet, now: number, retireAt: number): Promise<SigningKeySet> {
  const fresh = await generateKeySet()
  const old = keys
    .filter(({ useUntil }) => useUntil === undefined || now < useUntil)
    .map((key) => ({ ...key, useUntil: Math.min(key.useUntil ?? retireAt, retireAt) }))
  return { keys: [...fresh.keys, ...old] }
}

/** Throws `TypeError` for a key that is not there. */
export async function revokeKeys({ keys }: SigningKeySet, kids: readonly string[]): Promise<SigningKeySet> {
  const unknown = kids.find((kid) => !keys.some((key) => key.kid === kid))
  if (unknown !== undefined) throw new TypeError(`There is no key ${unknown}`)
  const kept = keys.filter((key) => !kids.includes(key.kid))
  const missing = (await generateKeySet()).keys.filter(
    (fresh) => !kept.some((key) => key.useUntil === undefined && algorithmOf(key) === algorithmOf(fresh)),
  )
  return { keys: [...missing, ...kept] }
}

function algorithmOf(key: SigningJwk): KeyDescription['algorithm'] {
  return key.kty === 'oct' ? 'HMAC' : 'Ed25519'
}
