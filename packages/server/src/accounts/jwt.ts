/**
 * JWTs of the configured issuers (RFC 7519, verified as RFC 8725 advises): the issuer decides which keys, audience,
 * algorithms and types count; `exp` and `sub` are required. What the token says about the person is read through the
 * paths its issuer was configured with.
 *
 * What could go wrong: a token that is not right is 401. Keys that cannot be fetched are not the token's fault: 503.
 */
import { createRemoteJWKSet, decodeJwt, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { problems } from '../problem.ts'
import type { JwtIssuer } from './jwt-issuers.ts'
import { grantedScopes, type Scope, scopes } from './principal.ts'

/** What a verified token says. */
export interface ExternalIdentity {
  issuer: string
  subject: string
  email: string | null
  name: string | null
  handle: string | null
  /** Null when the issuer does not decide roles. */
  role: 'member' | 'administrator' | null
  scopes: ReadonlySet<Scope>
}

/** Throws `unauthenticated`, or `unavailable` when the issuer's keys cannot be had. */
export type JwtVerifier = (token: string) => Promise<ExternalIdentity>

/** Seconds two clocks may differ. */
const clockTolerance = 30
/** Milliseconds to wait for an issuer's keys. */
const keyTimeout = 5_000

export function createJwtVerifier(issuers: JwtIssuer[], now: () => Date): JwtVerifier {
  const known = new Map(issuers.map((issuer) => [issuer.issuer, { issuer, keyOf: createKeySource(issuer) }]))

  return async (token) => {
    const trusted = known.get(claimedIssuer(token))
    if (trusted === undefined) throw refused('its issuer is not trusted here')
    const { issuer, keyOf } = trusted
    try {
      const { payload, protectedHeader } = await jwtVerify(token, keyOf, {
        issuer: issuer.issuer,
        audience: issuer.audience,
        algorithms: issuer.algorithms,
        requiredClaims: ['exp', 'sub'],
        clockTolerance,
        currentDate: now(),
      })
      // RFC 7515 section 4.1.9: `application/` may be left out.
      const type = (protectedHeader.typ ?? '').toLowerCase().replace(/^application\//, '')
      if (!issuer.types.has(type)) throw refused('its type is not one that signs in')
      return readClaims(issuer, payload)
    } catch (error) {
      if (error instanceof errors.JOSEError) throw refused(error.message, error)
      throw error
    }
  }
}

function createKeySource(issuer: JwtIssuer): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(issuer.jwksUrl, { timeoutDuration: keyTimeout })
  return async (header, token) => {
    try {
      return await keys(header, token)
    } catch (error) {
      // These two say that the key set was read and the token names none, or no single one, of its keys.
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error
      throw problems.unavailable('The keys of the issuer of this token cannot be read right now.', {
        retryAfter: 5,
        cause: error,
      })
    }
  }
}

/** Not verified yet: it only chooses the keys, and `jwtVerify` compares it again. */
function claimedIssuer(token: string): string {
  try {
    return decodeJwt(token).iss ?? ''
  } catch (error) {
    if (error instanceof errors.JOSEError) throw refused('it is malformed', error)
    throw error
  }
}

function readClaims(issuer: JwtIssuer, payload: JWTPayload): ExternalIdentity {
  const { sub } = payload
  if (typeof sub !== 'string' || sub === '' || sub.length > 255 || sub.includes('\u0000')) {
    throw refused('its subject cannot be used')
  }
  const { claims } = issuer
  return {
    issuer: issuer.issuer,
    subject: sub,
    email: textOf(claims.email?.(payload)),
    name: textOf(claims.name?.(payload)),
    handle: textOf(claims.handle?.(payload)),
    role: claims.role === null ? null : roleOf(claims.role(payload), issuer.administratorValues),
    scopes: claims.scope === null ? new Set(scopes) : grantedScopes(listOf(claims.scope(payload))),
  }
}

function roleOf(claim: unknown, administratorValues: ReadonlySet<string>): 'member' | 'administrator' {
  const values = Array.isArray(claim) ? claim : [claim]
  return values.some((value) => typeof value === 'string' && administratorValues.has(value))
    ? 'administrator'
    : 'member'
}

/** A list, or a text of words with blanks between (RFC 8693 section 4.2). */
function listOf(claim: unknown): string[] {
  if (typeof claim === 'string') return claim.split(' ')
  return Array.isArray(claim) ? claim.filter((value) => typeof value === 'string') : []
}

function textOf(claim: unknown): string | null {
  return typeof claim === 'string' && claim.trim() !== '' ? claim.trim() : null
}

function refused(reason: string, cause?: unknown) {
  return problems.unauthenticated(`The token was refused: ${reason}.`, cause === undefined ? {} : { cause })
}
