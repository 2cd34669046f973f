/**
 * The secrets people sign in with: a readable prefix that says what it is (and lets scanners find one that leaked) and 256
 * random bits. Only their SHA-256 is kept; that many random bits need no slow hash.
 */
import { createHash, randomBytes } from 'node:crypto'

export type TokenKind = 'session' | 'personal'

const prefixes: Record<TokenKind, string> = { session: 'hgs_', personal: 'hgp_' }
/** 32 bytes in base64url. */
const format = /^hg[sp]_[A-Za-z0-9_-]{43}$/

export function newSecret(kind: TokenKind): { token: string; hash: Uint8Array } {
  const token = prefixes[kind] + randomBytes(32).toString('base64url')
  return { token, hash: hashSecret(token) }
}

/** Looks like a token of this server; says nothing of whether it is valid. */
export function isSecretToken(text: string): boolean {
  return format.test(text)
}

/** SHA-256 of the text itself, so that base64url's spare bits make no second spelling of a token. */
export function hashSecret(token: string): Uint8Array {
  return createHash('sha256').update(token).digest()
}
