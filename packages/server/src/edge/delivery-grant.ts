/** What a request for bytes is allowed, which is decided before anything else is looked at: store, cache and conditions. */
import type { DeliveryGrant, Verifier } from '@heliograph/signing'
import type { FastifyRequest } from 'fastify'

/** Throws `SignatureError`. */
export type GrantOf = (request: FastifyRequest) => Promise<DeliveryGrant>

export function grantOf(verifier: Pick<Verifier, 'delivery'>): GrantOf {
  return (request) => verifier.delivery(request.raw.url ?? '')
}
