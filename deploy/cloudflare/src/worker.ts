/**
 * Delivers files as a Cloudflare Worker: the same grants, verified by the same code, and the same answers as the edge of
 * the server, with Cloudflare's cache behind the verification. It only reads.
 */
import { isProblem, type Problem, problems } from '../../../packages/server/src/problem.ts'
import { answer } from './answer.ts'
import { cachedSource } from './cached-source.ts'
import type { CloudflareRequest, Environment, ExecutionContext } from './environment.ts'
import { createPermissionOf } from './permission.ts'
import { openSource } from './source.ts'

const permissionOf = createPermissionOf()

export default {
  async fetch(request: CloudflareRequest, env: Environment, context: ExecutionContext): Promise<Response> {
    const response = await respond(request, env, context).catch((error: unknown) => refuse(error, request))
    for (const [name, value] of Object.entries(corsHeaders(request, env))) response.headers.set(name, value)
    return response
  },
}

async function respond(request: CloudflareRequest, env: Environment, context: ExecutionContext): Promise<Response> {
  const { pathname, origin } = new URL(request.url)
  if (!pathname.startsWith('/m/')) throw problems.notFound(`There is nothing at ${pathname}.`)
  if (request.method === 'OPTIONS') return preflight()
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    throw problems.methodNotAllowed('This method is not allowed here.')
  }
  const permission = await permissionOf(request, env)
  const source = cachedSource({
    source: openSource(env),
    cache: caches.default,
    origin,
    maxAge: Number(env.CACHE_SECONDS ?? 3600),
    context,
  })
  return answer(request, permission, source)
}

/** RFC 9457 problem details; what nobody foresaw is logged and not shown. */
function refuse(error: unknown, request: Request): Response {
  const problem = isProblem(error)
    ? error
    : problems.internal('The server made a mistake. It has been logged.', { cause: error })
  if (problem.status >= 500) console.error(problem.message, problem.cause)
  return new Response(request.method === 'HEAD' ? null : JSON.stringify(documentOf(problem, request)), {
    status: problem.status,
    headers: {
      'content-type': 'application/problem+json',
      // A refusal is about this moment.
      'cache-control': 'no-store',
      ...(problem.retryAfter === undefined ? {} : { 'retry-after': String(problem.retryAfter) }),
      ...(problem.status === 405 ? { allow: 'GET, HEAD, OPTIONS' } : {}),
      ...(problem.status === 416 ? { 'content-range': `bytes */${problem.extensions.size}` } : {}),
    },
  })
}

function documentOf({ type, title, status, detail }: Problem, request: Request) {
  return { type, title, status, detail, instance: request.headers.get('cf-ray') ?? crypto.randomUUID() }
}

/** As the edge answers (Fetch standard, section 3.3): no credentials are involved, the URL itself is the permission. */
function corsHeaders(request: Request, { ALLOWED_ORIGINS: list = '' }: Environment): Record<string, string> {
  const origin = request.headers.get('origin')
  const isAllowed = origin !== null && list.split(',').some((one) => one.trim() === origin)
  return {
    vary: 'Origin',
    ...(isAllowed && {
      'access-control-allow-origin': origin,
      'access-control-expose-headers': 'ETag, Content-Range, Accept-Ranges, Retry-After',
    }),
  }
}

function preflight(): Response {
  return new Response(null, {
    status: 204,
    headers: {
      'access-control-allow-methods': 'GET, HEAD',
      'access-control-allow-headers': 'If-None-Match, If-Range, Range, Heliograph-Attempt',
      'access-control-max-age': '86400',
    },
  })
}
