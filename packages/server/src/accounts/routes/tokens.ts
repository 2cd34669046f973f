/** Personal access tokens. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { IdParams, NoContent, orProblem } from '../../http/conventions.ts'
import { actorOf, attemptOf } from '../../http/policy.ts'
import type { Accounts } from '../accounts.ts'
import * as schemas from './schemas.ts'

const tags = ['Tokens']

export function tokenRoutes(accounts: Accounts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/v1/accounts/me/tokens',
      {
        config: { policy: { access: 'account', scope: 'account:write' }, idempotent: true },
        schema: {
          operationId: 'createToken',
          summary: 'Make a personal access token',
          description: 'It cannot grant what the token it is made with lacks. The secret is shown this once.',
          tags,
          body: Type.Object({
            name: schemas.name,
            scopes: Type.Array(schemas.scope, { minItems: 1, maxItems: 20 }),
            expiresAt: Type.Optional(schemas.expiresAt),
          }),
          response: orProblem({ 201: schemas.newPersonalToken }),
        },
      },
      async (request, reply) => {
        const { name, scopes, expiresAt } = request.body
        const token = await accounts.createToken(
          actorOf(request),
          { name, scopes, expiresAt: typeof expiresAt === 'string' ? new Date(expiresAt) : null },
          attemptOf(request),
        )
        return reply.code(201).header('cache-control', 'no-store').send(token)
      },
    )

    app.get(
      '/v1/accounts/me/tokens',
      {
        config: { policy: { access: 'account', scope: 'account:read' } },
        schema: {
          operationId: 'listTokens',
          summary: 'Own personal access tokens, without their secrets',
          tags,
          response: orProblem({ 200: schemas.personalTokenPage }),
        },
      },
      async (request) => ({ items: await accounts.listTokens(actorOf(request)), nextCursor: null }),
    )

    app.delete(
      '/v1/accounts/me/tokens/:id',
      {
        config: { policy: { access: 'account', scope: 'account:write' } },
        schema: {
          operationId: 'deleteToken',
          summary: 'Revoke a personal access token',
          tags,
          params: IdParams,
          response: orProblem({ 204: NoContent }),
        },
      },
      async (request, reply) => {
        await accounts.deleteToken(actorOf(request), request.params.id, attemptOf(request))
        return reply.code(204).send(null)
      },
    )
  }
}
