/**
 * The secrets of a link. Its token is 32 random bytes, so that there is nothing to guess and nothing to be told from how
 * long an answer about an unknown one takes. What a visitor gets for the right password is kept nowhere: a MAC (RFC 2104)
 * under a key that is made of the token and the hash of the password, whose salt is new each time. Whoever changes or
 * removes the password voids all that was given out for the one before.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** What the secrets of a link are made of. */
export interface LinkSecrets {
  token: string
  password_hash: string | null
}

const tokenFormat = /^[A-Za-z0-9_-]{43}$/
const accessFormat = /^hgv_(\d{1,12})\.([A-Za-z0-9_-]{43})$/

export function newLinkToken(): string {
  return randomBytes(32).toString('base64url')
}

/** Looks like a token of a link; anything else need not be looked for. */
export function isLinkToken(text: string): boolean {
  return tokenFormat.test(text)
}

/** @param until Unix seconds, from which it is void. */
export function signAccess(secrets: LinkSecrets, until: number): string {
  return `hgv_${until}.${mac(secrets, `access ${until}`)}`
}

/** Until when it opens the link, in Unix seconds; null for what is over, of another link or password, or none at all. */
export function verifyAccess(secrets: LinkSecrets, access: string, now: number): number | null {
  const [, until, signature] = accessFormat.exec(access) ?? []
  if (until === undefined || signature === undefined) return null
  // Compared as it is written: base64url has more than one spelling of the same bytes.
  const expected = mac(secrets, `access ${until}`)
  if (!timingSafeEqual(Buffer.from(signature), Buffer.from(expected))) return null
  return Number(until) > now ? Number(until) : null
}

/** Changes with the password. What is signed for visitors names it, and so dies with the password too. */
export function lockOf(secrets: LinkSecrets): string {
  return Buffer.from(mac(secrets, 'lock'), 'base64url').subarray(0, 12).toString('hex')
}

function mac({ token, password_hash }: LinkSecrets, text: string): string {
  return createHmac('sha256', `${token}\n${password_hash ?? ''}`)
    .update(text)
    .digest('base64url')
}
