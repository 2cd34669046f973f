/** The checksum a client sends with a body: `Content-Digest` (RFC 9530) with SHA-256, or `Content-MD5` (RFC 1864). */
import type { IncomingHttpHeaders } from 'node:http'
import type { ExpectedDigest } from '../engines/object-store/object-store.ts'
import { problems } from '../problem.ts'

/**
 * Null when none is sent, or none that is known: RFC 9530 lets a recipient ignore other algorithms. Throws
 * `invalid-request` for one that is malformed, since ignoring it would promise a check that did not happen.
 */
export function expectedDigest(headers: IncomingHttpHeaders): ExpectedDigest | null {
  const sha256 = /(?:^|,)[ \t]*sha-256[ \t]*=[ \t]*([^,]*)/.exec(String(headers['content-digest'] ?? ''))?.[1]
  if (sha256 !== undefined) {
    const bytes = /^:([^:]*):[ \t]*$/.exec(sha256)?.[1]
    return { algorithm: 'sha-256', value: decode('content-digest', bytes ?? '', 32) }
  }
  const md5 = headers['content-md5']
  if (md5 !== undefined) return { algorithm: 'md5', value: decode('content-md5', String(md5).trim(), 16) }
  return null
}

function decode(header: string, base64: string, length: number): Uint8Array {
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.length !== length || bytes.toString('base64') !== base64) {
    throw problems.invalidRequest(`The header ${header} is not the base64 of ${length} bytes.`, {
      errors: [{ path: `/headers/${header}`, message: `Must hold the base64 of ${length} bytes` }],
    })
  }
  return bytes
}
