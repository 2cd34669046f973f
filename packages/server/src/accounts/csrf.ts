/**
 * Protection of cookies against requests that other sites make a browser send (CSRF). A request that changes something
 * counts as the person's own when the browser says that it comes from this very origin (Fetch Metadata), from an origin
 * that was configured, or from the host that it was sent to: browsers say no more on pages without HTTPS, as in a network at
 * home. What says none of it is refused: programs send a bearer token and are not concerned.
 */
import { problems } from '../problem.ts'

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

export interface RequestOrigin {
  method: string
  headers: Record<string, string | string[] | undefined>
}

/**
 * Throws `forbidden` for an unsafe method from elsewhere. A sibling under the same site is elsewhere too, unless it is
 * configured: on shared domains it may be anyone's.
 */
export function requireOwnOrigin(request: RequestOrigin, allowedOrigins: ReadonlySet<string>): void {
  if (safeMethods.has(request.method)) return
  const { origin } = request.headers
  if (request.headers['sec-fetch-site'] === 'same-origin') return
  if (typeof origin === 'string' && (allowedOrigins.has(origin) || isOwnHost(request, origin))) return
  throw problems.forbidden(
    'This request came from another site. Use a bearer token, or add the origin to CORS_ORIGINS.',
  )
}

/**
 * Only where the browser is silent of the site. Another site has another host; one that makes its own name lead here gets
 * no cookie of this one.
 */
function isOwnHost({ headers }: RequestOrigin, origin: string): boolean {
  if (headers['sec-fetch-site'] !== undefined || typeof headers.host !== 'string') return false
  return URL.canParse(origin) && new URL(origin).host === headers.host.toLowerCase()
}
