/** Registering, public profiles, and the accounts of others for administrators. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { etagOf, orProblem, PageQuery, versionOf } from '../../http/conventions.ts'
import { attemptOf } from '../../http/policy.ts'
import type { Accounts } from '../accounts.ts'
import { sessionCookie, sessionCookieOptions } from '../session-cookie.ts'
import * as schemas from './schemas.ts'

const tags = ['Accounts']

export function accountsRoutes(accounts: Accounts, publicUrl: string): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/v1/accounts',
      {
        config: {
          policy: { access: 'public', why: 'Registering makes the account' },
          idempotent: true,
        },
        schema: {
          operationId: 'register',
          summary: 'Register',
          description:
            'The first account is the administrator. Answers a session token and sets it as a cookie. 403 when registration is closed.',
          tags,
          body: Type.Object({
            handle: schemas.handle,
            email: schemas.email,
            password: schemas.password,
            name: schemas.name,
          }),
          response: orProblem({ 201: schemas.registered }),
        },
      },
      async (request, reply) => {
        const { account, token, expiresAt } = await accounts.register(request.body, attemptOf(request))
        return reply
          .code(201)
          .header('etag', etagOf(account.version))
          .header('cache-control', 'no-store')
          .setCookie(sessionCookie, token, { ...sessionCookieOptions(publicUrl), expires: expiresAt })
          .send({ account: account.view, token })
      },
    )

    app.get(
      '/v1/accounts/:handle',
      {
        config: { policy: { access: 'public', why: 'A profile shows what its owner shows everyone' } },
        schema: {
          operationId: 'getProfile',
          summary: 'Public profile',
          tags,
          params: schemas.handleParams,
          response: orProblem({ 200: schemas.publicProfile }),
        },
      },
      (request) => accounts.readProfile(request.params.handle),
    )

    app.get(
      '/v1/accounts',
      {
        config: { policy: { access: 'administrator', scope: 'admin' } },
        schema: {
          operationId: 'listAccounts',
          summary: 'All accounts, in the order they registered',
          tags,
          querystring: Type.Object(PageQuery),
          response: orProblem({ 200: schemas.accountPage }),
        },
      },
      (request) => accounts.list({ limit: request.query.limit ?? 50, cursor: request.query.cursor ?? null }),
    )

    app.patch(
      '/v1/accounts/:handle',
      {
        config: { policy: { access: 'administrator', scope: 'admin' } },
        schema: {
          operationId: 'updateAccount',
          summary: 'Change role, storage limit or suspension',
          description: 'What is absent stays. 409 for the last administrator.',
          tags,
          params: schemas.handleParams,
          headers: schemas.ifMatch,
          body: Type.Object({
            role: Type.Optional(schemas.role),
            storageLimitBytes: Type.Optional(schemas.storageLimitBytes),
            suspended: Type.Optional(Type.Boolean()),
          }),
          response: orProblem({ 200: schemas.managedAccount }),
        },
      },
      async (request, reply) => {
        const { view, version } = await accounts.update(
          request.params.handle,
          request.body,
          versionOf(request.headers['if-match']),
          attemptOf(request),
        )
        return reply.header('etag', etagOf(version)).send(view)
      },
    )
  }
}
