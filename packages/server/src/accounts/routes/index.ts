/** All routes of the accounts. They need `@fastify/cookie` and a hook that sets `request.principal`. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Accounts } from '../accounts.ts'
import { sessionCookie, sessionCookieOptions } from '../session-cookie.ts'
import { accountsRoutes } from './accounts.ts'
import { meRoutes } from './me.ts'
import { type ServerInfo, serverRoutes } from './server.ts'
import { sessionRoutes } from './sessions.ts'
import { tokenRoutes } from './tokens.ts'

export interface AccountRoutesDeps {
  accounts: Accounts
  config: ServerInfo & { publicUrl: string }
}

export function accountRoutes({ accounts, config }: AccountRoutesDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    // A browser cannot take a revoked session's cookie away itself, as scripts do not see it.
    app.addHook('onSend', async (request, reply) => {
      const hasCookie = request.cookies[sessionCookie] !== undefined && request.headers.authorization === undefined
      if (reply.statusCode === 401 && hasCookie && request.routeOptions.config.policy?.access !== 'public') {
        reply.clearCookie(sessionCookie, sessionCookieOptions(config.publicUrl))
      }
    })
    await app.register(serverRoutes(accounts, config))
    await app.register(accountsRoutes(accounts, config.publicUrl))
    await app.register(meRoutes(accounts, config.publicUrl))
    await app.register(sessionRoutes(accounts, config.publicUrl))
    await app.register(tokenRoutes(accounts))
  }
}
