/**
 * The external issuers whose JWTs are accepted, read from the setting `JWT_ISSUERS`. Anything unknown or unsafe in it
 * stops the start: an issuer that is trusted by mistake is a way in.
 */
import { InvalidSetting } from '../config/index.ts'
import { compileSingularQuery, InvalidQuery, type SingularQuery } from './singular-query.ts'

export interface JwtIssuer {
  /** Exactly as in the claim `iss`. */
  issuer: string
  /** One of them must be in the claim `aud`. */
  audience: string[]
  jwksUrl: URL
  algorithms: string[]
  /** Accepted header types, lower case, so that a logout token or a receipt of the same issuer opens nothing. */
  types: ReadonlySet<string>
  claims: Record<ClaimName, SingularQuery | null>
  /** A role claim that is, or contains, one of these makes an administrator. */
  administratorValues: ReadonlySet<string>
}

const claimNames = ['role', 'email', 'name', 'handle', 'scope'] as const
export type ClaimName = (typeof claimNames)[number]

/** Signatures only: `none` is nobody's, and HMAC would take the public key for a shared secret. */
const asymmetricAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]

const knownKeys = ['issuer', 'audience', 'jwksUrl', 'algorithms', 'types', 'claims', 'administratorValues']

/** `value` is the parsed JSON of the setting. Throws `InvalidSetting`. */
export function parseJwtIssuers(value: unknown): JwtIssuer[] {
  if (!Array.isArray(value)) throw invalid(value, 'a JSON list')
  const issuers = value.map(parseIssuer)
  const names = new Set(issuers.map((issuer) => issuer.issuer))
  if (names.size !== issuers.length) throw invalid(value, 'a list that names each issuer once')
  return issuers
}

function parseIssuer(value: unknown): JwtIssuer {
  const entry = record(value, knownKeys)
  return {
    issuer: text(entry.issuer, 'issuer'),
    audience: texts(typeof entry.audience === 'string' ? [entry.audience] : entry.audience, 'audience'),
    jwksUrl: parseJwksUrl(entry.jwksUrl),
    algorithms: texts(entry.algorithms, 'algorithms').map((algorithm) => {
      if (!asymmetricAlgorithms.includes(algorithm)) {
        throw invalid(algorithm, `an algorithm among ${asymmetricAlgorithms.join(', ')}`)
      }
      return algorithm
    }),
    types: new Set(texts(entry.types ?? ['JWT', 'at+jwt'], 'types').map((type) => type.toLowerCase())),
    claims: parseClaims(entry.claims ?? {}),
    administratorValues: new Set(texts(entry.administratorValues ?? ['administrator'], 'administratorValues')),
  }
}

function parseClaims(value: unknown): JwtIssuer['claims'] {
  const entry = record(value, claimNames)
  const query = (name: ClaimName): SingularQuery | null => {
    if (entry[name] === undefined) return null
    try {
      return compileSingularQuery(text(entry[name], `claims.${name}`))
    } catch (error) {
      if (!(error instanceof InvalidQuery)) throw error
      throw invalid(entry[name], `for claims.${name} a path such as $.realm.roles[0] (${error.message})`)
    }
  }
  return {
    role: query('role'),
    email: query('email'),
    name: query('name'),
    handle: query('handle'),
    scope: query('scope'),
  }
}

/** Keys fetched in the clear could be anyone's; this machine itself is the exception. */
function parseJwksUrl(value: unknown): URL {
  const expected = 'for jwksUrl an https URL (http only on localhost) without credentials'
  const href = text(value, 'jwksUrl')
  if (!URL.canParse(href)) throw invalid(href, expected)
  const url = new URL(href)
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  const isSafe = url.protocol === 'https:' || (url.protocol === 'http:' && isLocal)
  if (!isSafe || url.username !== '' || url.password !== '') throw invalid(url.host, expected)
  return url
}

function record(value: unknown, known: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(value, 'an object')
  const unknown = Object.keys(value).find((key) => !known.includes(key))
  if (unknown !== undefined) throw invalid(unknown, `a key among ${known.join(', ')}`)
  return value as Record<string, unknown>
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string' || value === '') throw invalid(value, `for ${name} a text that is not empty`)
  return value
}

function texts(value: unknown, name: string): string[] {
  if (!Array.isArray(value) || value.length === 0) throw invalid(value, `for ${name} a list that is not empty`)
  return value.map((one) => text(one, name))
}

function invalid(value: unknown, expected: string): InvalidSetting {
  const shown = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'absent')
  return new InvalidSetting('JWT_ISSUERS', shown, expected)
}
