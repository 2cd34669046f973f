/** Liveness and readiness for whoever watches this process. Readiness fails first when it drains, so that load moves away. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'

export interface Health {
  isDraining(): boolean
  /** One check an engine; each resolves, or throws why it is down. */
  checks: Record<string, () => Promise<void>>
}

/** Milliseconds an engine has to answer. */
const patience = 2_000

const Report = Type.Object({ status: Type.String(), checks: Type.Record(Type.String(), Type.String()) })

export function healthRoutes(health: Health): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/healthz',
      {
        config: { policy: { access: 'public', why: 'A probe asks whether this process lives' } },
        schema: { tags: ['Operations'], response: { 200: Type.Object({ status: Type.String() }) } },
      },
      async () => ({ status: 'alive' }),
    )

    app.get(
      '/readyz',
      {
        config: { policy: { access: 'public', why: 'A load balancer asks whether to send requests here' } },
        schema: { tags: ['Operations'], response: { 200: Report, 503: Report } },
      },
      async (_request, reply) => {
        if (health.isDraining()) {
          return reply.code(503).header('retry-after', 5).send({ status: 'draining', checks: {} })
        }
        const results = await Promise.all(
          Object.entries(health.checks).map(async ([name, check]) => [name, await outcomeOf(check)] as const),
        )
        const isReady = results.every(([, outcome]) => outcome === 'up')
        if (!isReady) reply.code(503).header('retry-after', 5)
        return { status: isReady ? 'ready' : 'not ready', checks: Object.fromEntries(results) }
      },
    )
  }
}

/** `up`, or `down`: why is in the log of the engine, not for strangers. */
async function outcomeOf(check: () => Promise<void>): Promise<'up' | 'down'> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'down'>((resolve) => {
    timer = setTimeout(() => resolve('down'), patience)
  })
  try {
    return await Promise.race([check().then(() => 'up' as const), late])
  } catch {
    return 'down'
  } finally {
    clearTimeout(timer)
  }
}
