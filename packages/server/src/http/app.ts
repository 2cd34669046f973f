/**
 * The HTTP door: one Fastify application with the conventions every route shares (problem details, policies, idempotency,
 * metrics, OpenAPI), into which the composition plugs the routes of the roles this process has.
 */
import cookie from '@fastify/cookie'
import cors from '@fastify/cors'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyPluginAsync, LogController } from 'fastify'
import type { Principal } from '../accounts/index.ts'
import type { Db } from '../engines/database/database.ts'
import type { Metrics } from '../engines/telemetry/metrics.ts'
import type { LinkNeed, Visitor, VisitorRequest } from '../sharing/index.ts'
import { handleErrors } from './errors.ts'
import { honourIdempotencyKeys } from './idempotency.ts'
import { authorize, type Policy, requirePolicies } from './policy.ts'

export interface AppDeps {
  db: Db
  log: FastifyBaseLogger
  metrics: Metrics
  version: string
  trustedProxies: string[]
  /** Web origins that may call the api from a browser with credentials. */
  origins: string[]
  authenticate(request: {
    headers: Record<string, string | string[] | undefined>
    method: string
    cookies: Record<string, string | undefined>
  }): Promise<Principal>
  /** Lets somebody in who comes by the link in the path, or throws. */
  admit(request: VisitorRequest, needs: LinkNeed): Promise<Visitor>
  routes: FastifyPluginAsync[]
}

/** Bytes of a JSON body. */
const bodyLimit = 1024 * 1024

/** What a link shows, and its token, stay with whoever has the link: in no cache, and in no other site's log. */
const keptToThemselves = { 'cache-control': 'private, no-store', 'referrer-policy': 'no-referrer' }

export async function createApp(deps: AppDeps) {
  const app = Fastify({
    loggerInstance: deps.log,
    // Bodies that wait for their turn stop after the first chunk and rest in the network, not here.
    http: { highWaterMark: 16_384 },
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: deps.trustedProxies.length > 0 ? deps.trustedProxies : false,
    bodyLimit,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // A slow upload may take as long as it moves; the header must come in time.
    requestTimeout: 0,
    routerOptions: { maxParamLength: 512 },
    ajv: { customOptions: { removeAdditional: false, coerceTypes: 'array', allErrors: true } },
    genReqId: () => crypto.randomUUID(),
  })

  app.server.headersTimeout = 20_000
  app.server.keepAliveTimeout = 72_000

  admitReference(app)
  const declaredRoutes = requirePolicies(app)
  handleErrors(app)
  app.decorateRequest('principal')
  measure(app, deps.metrics)
  await app.register(cookie)
  // Without other origins browsers need to be told nothing, and no answer carries the words for it.
  if (deps.origins.length > 0) await allowOrigins(app, deps.origins)

  app.addHook('onRequest', async (request, reply) => {
    request.principal = { kind: 'anonymous' }
    const { policy } = request.routeOptions.config
    if (request.routeOptions.url?.startsWith('/v1/links/')) reply.headers(keptToThemselves)
    if (
      policy === undefined ||
      policy.access === 'public' ||
      policy.access === 'grant' ||
      policy.access === 'path-token'
    )
      return
    if (policy.access === 'link') {
      request.principal = await deps.admit(request, policy.needs)
      return
    }
    request.principal = await deps.authenticate(request)
    authorize(policy, request.principal)
  })
  honourIdempotencyKeys(app, deps.db)
  // After what decorates requests: a plugin knows only what was there when it was registered.
  await describeItself(app, deps.version)

  for (const routes of deps.routes) await app.register(routes)
  return { app, declaredRoutes }
}

async function allowOrigins(app: FastifyInstance, origins: string[]): Promise<void> {
  await app.register(cors, {
    origin: origins,
    credentials: true,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: [
      'ETag',
      'Content-Range',
      'Accept-Ranges',
      'Location',
      'Retry-After',
      'Upload-Offset',
      'Upload-Length',
      'Upload-Defer-Length',
      'Upload-Metadata',
      'Upload-Expires',
      'Tus-Resumable',
      'Tus-Version',
      'Tus-Extension',
      'Tus-Max-Size',
      'Heliograph-Asset-Id',
    ],
  })
}

function measure(app: FastifyInstance, metrics: Metrics): void {
  app.addHook('onResponse', async (request, reply) => {
    // It lasts as long as its client likes, which says nothing of the server.
    if (String(reply.getHeader('content-type')).startsWith('text/event-stream')) return
    metrics.observeRequest(
      { method: request.method, route: request.routeOptions.url ?? 'unmatched', status: reply.statusCode },
      reply.elapsedTime / 1000,
    )
  })
}

/** No bearer token is asked for: the route is open, or the URL itself is the permission. Null where one is. */
function openSecurity(policy: Policy | undefined): Record<string, string[]>[] | null {
  if (policy?.access === 'public' || policy?.access === 'grant' || policy?.access === 'path-token') return []
  // What `unlockLink` answers, for a link with a password.
  return policy?.access === 'link' ? [{}, { link: [] }] : null
}

const referencePath = '/docs'

/** The reference comes from a plugin that knows no policies. Must be called before policies are required. */
function admitReference(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    if (route.url !== referencePath && !route.url.startsWith(`${referencePath}/`)) return
    route.config = { ...route.config, policy: { access: 'public', why: 'It is the documentation of the API' } }
  })
}

/** OpenAPI 3.1 at `/v1/openapi.json` and a reference at `/docs`, both generated from the route schemas. */
async function describeItself(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Heliograph',
        version,
        description: 'Uploads and delivery of photos and videos. Errors are RFC 9457 problem details.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'A session token, a personal access token or a JWT' },
          link: { type: 'http', scheme: 'bearer', description: 'What unlocking a link with its password answered' },
        },
      },
      security: [{ bearer: [] }],
    },
    transform: ({ schema, url, route }) => {
      const security = openSecurity(route.config?.policy)
      return {
        schema: security === null ? schema : { ...schema, security },
        // A wildcard has no name of its own, and OpenAPI knows none.
        url: url.replace('*', ':objectKey'),
      }
    },
    refResolver: {
      buildLocalReference: (json, _base, _fragment, index) =>
        typeof json.$id === 'string' ? json.$id : `def-${index}`,
    },
  })
  await app.register(swaggerUi, {
    routePrefix: referencePath,
    staticCSP: true,
    // Nothing from elsewhere, and no upgrade to https, which a server in a home network does not have.
    transformStaticCSP: () =>
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    uiConfig: { validatorUrl: null },
  })
  app.get(
    '/v1/openapi.json',
    { config: { policy: { access: 'public', why: 'It is the documentation of the API' } }, schema: { hide: true } },
    async () => app.swagger(),
  )
}
