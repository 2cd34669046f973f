/** `GET /.well-known/jwks.json`: the public halves of the signing keys, for edges that verify and must not sign. */
import { type KeyRing, publicJwks } from '@heliograph/signing'
import type { FastifyPluginAsync } from 'fastify'

export function jwksRoutes({ ring }: { ring: KeyRing }): FastifyPluginAsync {
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/.well-known/jwks.json',
      config: { policy: { access: 'public', why: 'public keys are for everyone who verifies' } },
      handler: async (_request, reply) =>
        reply.header('cache-control', 'public, max-age=15').type('application/jwk-set+json').send(publicJwks(ring)),
    })
  }
}
