/** What a request for bytes is allowed, which is decided before anything else is looked at: store, cache and conditions. */
import { type Place, publicObject, type Verifier } from '@heliograph/signing'
import type { FastifyRequest } from 'fastify'

/** One object, to be sent as said here. */
export interface Permission {
  key: string
  type: string
  disposition: 'inline' | 'attachment'
  filename: string | null
  /** Unix seconds from which it is over; null for what is public. */
  expires: number | null
  /** Present where not everyone may have it: what was decided of one client says nothing of the next. */
  place?: Place
}

/** Throws `SignatureError`. */
export type Permit = (request: FastifyRequest) => Promise<Permission>

export interface PermitOptions {
  verifier: Pick<Verifier, 'delivery'>
  /** ISO 3166-1 alpha-2 of a client's address, where it is known: what a grant that is bound to a country is held against. */
  countryOf?: ((address: string) => string | undefined) | undefined
}

export function createPermit({ verifier, countryOf }: PermitOptions): Permit {
  return async (request) => {
    const url = request.raw.url ?? ''
    const open = publicObject(url)
    if (open !== null) return { ...open, disposition: 'inline', filename: null, expires: null }
    // Looked up only for a grant that is bound to a place.
    return verifier.delivery(url, {
      get address() {
        return request.ip
      },
      get country() {
        return countryOf?.(request.ip)
      },
    })
  }
}
