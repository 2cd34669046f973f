/**
 * AWS Signature Version 4 in the query of a URL ("Authenticating Requests: Using Query Parameters" of the S3 API
 * reference). The SDK's presigner runs its whole middleware for each URL, which costs a plan of a hundred parts a tenth of
 * a second; the signature itself is one hash and one HMAC. A test holds that both write the same URL.
 */
import { createHash, createHmac } from 'node:crypto'

export interface PresignCredentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

export interface PresignRequest {
  method: 'GET' | 'PUT'
  /** Address of the object, its path encoded. */
  address: URL
  query: Record<string, string>
  /** Headers that must be sent as they are, by lower-case name; `host` is added. */
  headers: Record<string, string>
  region: string
  credentials: PresignCredentials
  /** Seconds. */
  expiresIn: number
  signedAt: Date
}

const algorithm = 'AWS4-HMAC-SHA256'

/** The key of a day, for one secret and region; a new secret or day replaces it. */
export function createPresign(): (request: PresignRequest) => string {
  let known: { id: string; key: Buffer } = { id: '', key: Buffer.alloc(0) }

  function signingKey(secret: string, day: string, region: string): Buffer {
    const id = `${day}/${region}/${secret}`
    if (known.id !== id) {
      const key = [region, 's3', 'aws4_request'].reduce(hmac, hmac(`AWS4${secret}`, day))
      known = { id, key }
    }
    return known.key
  }

  return ({ method, address, query, headers, region, credentials, expiresIn, signedAt }) => {
    const time = signedAt.toISOString().replace(/[-:]|\.\d+/g, '')
    const day = time.slice(0, 8)
    const scope = `${day}/${region}/s3/aws4_request`
    const signed = { ...headers, host: address.host }
    const names = Object.keys(signed).sort()
    const parameters = toQuery({
      ...query,
      'X-Amz-Algorithm': algorithm,
      'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD',
      'X-Amz-Credential': `${credentials.accessKeyId}/${scope}`,
      'X-Amz-Date': time,
      'X-Amz-Expires': String(expiresIn),
      'X-Amz-SignedHeaders': names.join(';'),
      ...(credentials.sessionToken === undefined ? {} : { 'X-Amz-Security-Token': credentials.sessionToken }),
    })
    const canonical = [
      method,
      address.pathname,
      parameters,
      ...names.map((name) => `${name}:${signed[name as keyof typeof signed]}`),
      '',
      names.join(';'),
      'UNSIGNED-PAYLOAD',
    ].join('\n')
    const toSign = [algorithm, time, scope, createHash('sha256').update(canonical).digest('hex')].join('\n')
    const signature = hmac(signingKey(credentials.secretAccessKey, day, region), toSign).toString('hex')
    return `${address.origin}${address.pathname}?${parameters}&X-Amz-Signature=${signature}`
  }
}

function hmac(key: string | Buffer, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest()
}

/** Sorted by name, encoded as RFC 3986 has it. */
function toQuery(parameters: Record<string, string>): string {
  return Object.keys(parameters)
    .sort()
    .map((name) => `${encode(name)}=${encode(parameters[name] ?? '')}`)
    .join('&')
}

export function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
}
