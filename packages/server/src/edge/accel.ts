/**
 * Handing bytes to nginx (`X-Accel-Redirect`): the edge verifies and describes, nginx sends the file with `sendfile` and
 * answers ranges and conditions. The header holds the prefix and the file's path, so that nginx's configuration says which
 * folders it is willing to send from.
 *
 * The header tells where files lie and carries none of their bytes, so a client must never get it. It is sent only when
 * the request came through a proxy that `TRUSTED_PROXIES` names, and that proxy takes it away.
 */
import type { Socket } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { ObjectInfo } from '../engines/object-store/object-store.ts'
import type { Permission } from './delivery-grant.ts'
import type { ByteSource } from './source.ts'

/** Longest that nginx keeps what was said of a URL, seconds: so late does it learn of a key that was revoked. */
const longestVerdict = 10

/** `X-Accel-Expires`: seconds for which nginx may take this answer for the next request of the same URL. */
export function verdictLife({ expires, place }: Pick<Permission, 'expires' | 'place'>, now: Date): string {
  if (place !== undefined) return '0'
  if (expires === null) return String(longestVerdict)
  return String(Math.max(0, Math.min(longestVerdict, expires - Math.ceil(now.getTime() / 1000))))
}

export interface Accel {
  /** The internal URI to redirect to; null when the edge has to send the bytes itself. */
  redirectOf(request: FastifyRequest, info: ObjectInfo): Promise<string | null>
  /**
   * The object under the entity tag that nginx makes of a file, time and size in hexadecimal, so that it stays the same
   * whoever sends it. An object's content never changes, so it is a strong one in spite of the whole seconds.
   */
  described(info: ObjectInfo): ObjectInfo
}

/** @param prefix of the internal location, for example `/_files`. */
export function createAccel(prefix: string, source: Pick<ByteSource, 'pathOf'>): Accel {
  const base = prefix.replace(/\/+$/, '')
  /** Of connections, since a proxy sends many requests over each and addresses are slow to compare. */
  const trusted = new WeakMap<Socket, boolean>()

  function isBehindProxy(request: FastifyRequest): boolean {
    if (request.headers['x-forwarded-for'] === undefined) return false
    const { socket } = request.raw
    const known = trusted.get(socket)
    if (known !== undefined) return known
    // The addresses that are believed, nearest first: more than one when the nearest is a trusted proxy.
    const isTrusted = (request.ips?.length ?? 0) > 1
    trusted.set(socket, isTrusted)
    return isTrusted
  }

  return {
    async redirectOf(request, info) {
      const path = isBehindProxy(request) ? await source.pathOf(info) : null
      return path === null ? null : `${base}${path.split('/').map(encodeURIComponent).join('/')}`
    },

    described(info) {
      const seconds = Math.floor(info.lastModified.getTime() / 1000)
      return { ...info, etag: `"${seconds.toString(16)}-${info.size.toString(16)}"` }
    },
  }
}
