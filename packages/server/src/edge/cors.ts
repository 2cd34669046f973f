/**
 * Cross-origin rules of the edge (Fetch standard, section 3.3): web pages of known origins may put and get bytes and read
 * the headers that resuming and seeking need. No credentials are involved, the URL itself is the permission.
 */
import type { FastifyInstance } from 'fastify'

/** @param origins as browsers send them: `https://photos.example`. */
export function allowOrigins(app: FastifyInstance, origins: readonly string[]): void {
  const allowed = new Set(origins)

  app.addHook('onRequest', (request, reply, done) => {
    const { origin } = request.headers
    reply.header('vary', 'Origin')
    if (origin !== undefined && allowed.has(origin)) {
      reply.header('access-control-allow-origin', origin)
      reply.header('access-control-expose-headers', 'ETag, Content-Range, Accept-Ranges, Retry-After')
    }
    done()
  })

  for (const [url, methods] of [
    ['/u/*', 'PUT'],
    ['/m/*', 'GET, HEAD'],
  ] as const) {
    app.options(url, async (_request, reply) =>
      reply
        .code(204)
        .header('access-control-allow-methods', methods)
        .header(
          'access-control-allow-headers',
          'Content-Type, Content-Digest, Content-MD5, If-None-Match, If-Range, Range, Heliograph-Attempt',
        )
        .header('access-control-max-age', '86400')
        .send(),
    )
  }
}
