/** One's own account. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { etagOf, NoContent, orProblem, versionOf } from '../../http/conventions.ts'
import { actorOf, attemptOf } from '../../http/policy.ts'
import type { Accounts } from '../accounts.ts'
import { sessionCookie, sessionCookieOptions } from '../session-cookie.ts'
import * as schemas from './schemas.ts'

const tags = ['Accounts']

export function meRoutes(accounts: Accounts, publicUrl: string): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/v1/accounts/me',
      {
        config: { policy: { access: 'account', scope: 'account:read' } },
        schema: {
          operationId: 'getMe',
          summary: 'Own account and its storage',
          tags,
          response: orProblem({ 200: schemas.account }),
        },
      },
      async (request, reply) => {
        const { view, version } = await accounts.readOwn(actorOf(request).accountId)
        return reply.header('etag', etagOf(version)).send(view)
      },
    )

    app.patch(
      '/v1/accounts/me',
      {
        config: { policy: { access: 'account', scope: 'account:write' } },
        schema: {
          operationId: 'updateMe',
          summary: 'Change name, avatar or password',
          description: 'What is absent stays. A new password ends all other sessions; a personal token cannot set one.',
          tags,
          headers: schemas.ifMatch,
          body: Type.Object({
            name: Type.Optional(schemas.name),
            avatarAssetId: Type.Optional(Type.Union([schemas.uuid, Type.Null()])),
            password: Type.Optional(schemas.password),
          }),
          response: orProblem({ 200: schemas.account }),
        },
      },
      async (request, reply) => {
        const { view, version } = await accounts.updateOwn(
          actorOf(request),
          request.body,
          versionOf(request.headers['if-match']),
          attemptOf(request),
        )
        return reply.header('etag', etagOf(version)).send(view)
      },
    )

    app.delete(
      '/v1/accounts/me',
      {
        config: { policy: { access: 'account', scope: 'account:write' } },
        schema: {
          operationId: 'deleteMe',
          summary: 'Delete the account and, by jobs, all that is its',
          description: 'It is gone at once for everyone. 409 for the last administrator while others are here.',
          tags,
          headers: schemas.ifMatch,
          response: orProblem({ 204: NoContent }),
        },
      },
      async (request, reply) => {
        await accounts.deleteOwn(actorOf(request), versionOf(request.headers['if-match']), attemptOf(request))
        return reply.code(204).clearCookie(sessionCookie, sessionCookieOptions(publicUrl)).send(null)
      },
    )
  }
}
