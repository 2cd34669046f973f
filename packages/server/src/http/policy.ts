/**
 * Who may call a route. Every route declares a policy in its `config`; one without fails when it is registered, and so
 * fails the build. The matrix test calls every route as every kind of principal and compares with what is declared here.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { AccountPrincipal, Principal, Scope } from '../accounts/index.ts'
import type { Attempt } from '../history/index.ts'
import { problems } from '../problem.ts'
import type { LinkNeed, Visitor } from '../sharing/index.ts'

export type Policy =
  /** Anyone; `why` says what makes that right. */
  | { access: 'public'; why: string }
  /** The holder of a signed URL; the handler verifies it before anything else. */
  | { access: 'grant' }
  /** A token in the path, for clients that cannot send headers; the handler verifies it first. */
  | { access: 'path-token'; scope: Scope }
  /** Whoever comes by the link whose token is in the path, as far as the link says; see `sharing/visitors.ts`. */
  | { access: 'link'; needs: LinkNeed }
  /** A signed-in account. `owns` names the resource in the path that must be its own: 404 for everyone else. */
  | { access: 'account'; scope: Scope; owns?: 'asset' | 'upload' | 'album' | 'link' }
  | { access: 'administrator'; scope: Scope }

declare module 'fastify' {
  interface FastifyContextConfig {
    policy?: Policy
    /** Honours `Idempotency-Key`; for every POST that creates. */
    idempotent?: boolean
  }
  interface FastifyRequest {
    principal: Principal | Visitor
  }
}

export interface DeclaredRoute {
  method: string
  /** As Fastify knows it, for example `/v1/assets/:id`. */
  url: string
  policy: Policy
}

/** Makes registering a route without a policy an error. The list it returns fills as routes are registered. */
export function requirePolicies(app: FastifyInstance): DeclaredRoute[] {
  const declared: DeclaredRoute[] = []
  app.addHook('onRoute', (route) => {
    const { policy } = route.config ?? {}
    for (const method of [route.method].flat()) {
      if (method === 'OPTIONS') continue
      if (policy === undefined) throw new Error(`The route ${method} ${route.url} declares no policy`)
      declared.push({ method, url: route.url, policy })
    }
  })
  return declared
}

/**
 * Throws 401 or 403 unless the principal satisfies the policy. Ownership is checked by the query that loads the row. An
 * account is no visitor: who comes by a link is let in by the link.
 */
export function authorize(policy: Policy, principal: Principal): void {
  if (policy.access === 'public' || policy.access === 'grant' || policy.access === 'path-token') return
  if (policy.access === 'link') throw problems.unauthenticated('Come by a link.')
  if (principal.kind === 'anonymous') {
    throw problems.unauthenticated('This needs a bearer token or a session. Sign in with POST /v1/sessions.')
  }
  if (policy.access === 'administrator' && principal.role !== 'administrator') {
    throw problems.forbidden('Only administrators may do this.')
  }
  if (!principal.scopes.has(policy.scope)) {
    throw problems.insufficientScope(`The token lacks the scope ${policy.scope}.`)
  }
}

/** The account a request acts for, on routes whose policy guarantees one. */
export function actorOf(request: FastifyRequest): AccountPrincipal {
  if (request.principal.kind !== 'account') throw problems.unauthenticated('Sign in first.')
  return request.principal
}

/** Who came by a link, on routes whose policy is one. */
export function visitorOf(request: FastifyRequest): Visitor {
  if (request.principal.kind !== 'visitor') throw problems.unauthenticated('Come by a link.')
  return request.principal
}

export function attemptOf(request: FastifyRequest, protocol = 'https', endpoint: string | null = null): Attempt {
  const retries = Number(request.headers['heliograph-attempt'] ?? 1)
  return {
    actorId: request.principal.kind === 'account' ? request.principal.accountId : null,
    address: request.ip,
    protocol,
    endpoint,
    attempt: Number.isInteger(retries) && retries > 0 && retries < 1000 ? retries : 1,
  }
}
