/** Signing in and out. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { etagOf, NoContent, orProblem } from '../../http/conventions.ts'
import { actorOf, attemptOf } from '../../http/policy.ts'
import type { Accounts } from '../accounts.ts'
import { sessionCookie, sessionCookieOptions } from '../session-cookie.ts'
import * as schemas from './schemas.ts'

const tags = ['Sessions']

export function sessionRoutes(accounts: Accounts, publicUrl: string): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/v1/sessions',
      {
        config: {
          policy: { access: 'public', why: 'Signing in proves who it is' },
          idempotent: true,
        },
        schema: {
          operationId: 'signIn',
          summary: 'Sign in',
          description: 'Answers a session token and sets it as a cookie.',
          tags,
          body: Type.Object({ email: schemas.email, password: schemas.password }),
          response: orProblem({ 201: schemas.session }),
        },
      },
      async (request, reply) => {
        const { account, token, expiresAt } = await accounts.signIn(request.body, attemptOf(request))
        return reply
          .code(201)
          .header('etag', etagOf(account.version))
          .header('cache-control', 'no-store')
          .setCookie(sessionCookie, token, { ...sessionCookieOptions(publicUrl), expires: expiresAt })
          .send({ account: account.view, token, expiresAt: expiresAt.toISOString() })
      },
    )

    app.delete(
      '/v1/sessions/current',
      {
        config: { policy: { access: 'account', scope: 'account:read' } },
        schema: {
          operationId: 'signOut',
          summary: 'Sign out',
          description: 'Ends the session this request came with. 409 for other tokens.',
          tags,
          response: orProblem({ 204: NoContent }),
        },
      },
      async (request, reply) => {
        await accounts.signOut(actorOf(request), attemptOf(request))
        return reply.code(204).clearCookie(sessionCookie, sessionCookieOptions(publicUrl)).send(null)
      },
    )

    app.delete(
      '/v1/sessions',
      {
        config: { policy: { access: 'account', scope: 'account:write' } },
        schema: {
          operationId: 'signOutEverywhere',
          summary: 'Sign out everywhere',
          description: 'Ends all sessions of the account, this one included. Personal tokens stay, and cannot do this.',
          tags,
          response: orProblem({ 204: NoContent }),
        },
      },
      async (request, reply) => {
        await accounts.signOutEverywhere(actorOf(request), attemptOf(request))
        return reply.code(204).clearCookie(sessionCookie, sessionCookieOptions(publicUrl)).send(null)
      },
    )
  }
}
