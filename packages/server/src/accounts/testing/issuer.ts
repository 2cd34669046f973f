/** An external issuer with real keys, whose key set is served over HTTP, and may be taken away. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

export interface TestIssuer {
  issuer: string
  jwksUrl: string
  /** PEM of the RS256 public key, for those who try it as a shared secret. */
  publicPem: string
  /** How often the key set was asked for. */
  requests(): number
  /** Answers this instead of the keys. */
  break(status: number, body?: string): void
  mend(): void
  sign(claims: JWTPayload, options?: SignOptions): Promise<string>
  stop(): Promise<void>
}

export interface SignOptions {
  algorithm?: 'RS256' | 'ES256' | 'EdDSA'
  header?: Record<string, unknown>
  /** Signs with a key the issuer never published, under the name of one it did. */
  forged?: boolean
}

export async function startIssuer(): Promise<TestIssuer> {
  const algorithms = ['RS256', 'ES256', 'EdDSA'] as const
  const keys = new Map(
    await Promise.all(
      algorithms.map(async (algorithm) => {
        const [own, foreign] = await Promise.all([generateKeyPair(algorithm), generateKeyPair(algorithm)])
        return [algorithm, { own, foreign }] as const
      }),
    ),
  )
  const keyOf = (algorithm: (typeof algorithms)[number]) => {
    const key = keys.get(algorithm)
    if (key === undefined) throw new Error(`There is no key for ${algorithm}`)
    return key
  }
  const published = await Promise.all(
    algorithms.map(async (alg) => ({ ...(await exportJWK(keyOf(alg).own.publicKey)), alg, kid: alg, use: 'sig' })),
  )
  let requests = 0
  let broken: { status: number; body: string } | null = null
  const server = createServer((_request, response) => {
    requests += 1
    const { status, body } = broken ?? { status: 200, body: JSON.stringify({ keys: published }) }
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  return {
    issuer: 'https://issuer.example/',
    jwksUrl: `http://127.0.0.1:${port}/jwks.json`,
    publicPem: await exportSPKI(keyOf('RS256').own.publicKey),
    requests: () => requests,
    break(status, body = '') {
      broken = { status, body }
    },
    mend() {
      broken = null
    },
    sign(claims, { algorithm = 'RS256', header = {}, forged = false } = {}) {
      const key = keyOf(algorithm)[forged ? 'foreign' : 'own'].privateKey
      return new SignJWT(claims).setProtectedHeader({ alg: algorithm, kid: algorithm, typ: 'JWT', ...header }).sign(key)
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
