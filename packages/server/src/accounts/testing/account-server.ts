/** A server with the account routes alone, on a real database, for the tests of this folder. */
import cookie from '@fastify/cookie'
import Fastify, { type InjectOptions } from 'fastify'
import { type Db, openDatabase } from '../../engines/database/database.ts'
import { createJobs } from '../../engines/jobs/jobs.ts'
import { handleErrors } from '../../http/errors.ts'
import { authorize, requirePolicies } from '../../http/policy.ts'
import { createTestDatabase } from '../../testing/postgres.ts'
import { type Accounts, createAccounts } from '../accounts.ts'
import { type Authenticator, createAuthenticator } from '../authenticate.ts'
import type { AccountLimiters } from '../context.ts'
import type { Principal } from '../index.ts'
import { parseJwtIssuers } from '../jwt-issuers.ts'
import { accountRoutes } from '../routes/index.ts'

export interface AccountServerOptions {
  registration?: 'open' | 'closed'
  publicUrl?: string
  allowedOrigins?: string[]
  /** As in the setting `JWT_ISSUERS`. */
  jwtIssuers?: unknown[]
  limiters?: AccountLimiters
}

export interface Call {
  token?: string
  body?: object
  headers?: Record<string, string>
  cookies?: Record<string, string>
  address?: string
}

export interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they expect, and fail when it is not there.
  body: any
  headers: Record<string, string | string[] | number | undefined>
  cookies: { name: string; value: string }[]
}

export interface AccountServer {
  db: Db
  accounts: Accounts
  authenticator: Authenticator
  /** A clock that tests turn forward. */
  clock: { offset: number }
  call(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, call?: Call): Promise<Answer>
  /** Registers `handle` with the password `correct horse`; answers its token. */
  register(handle: string): Promise<string>
  stop(): Promise<void>
}

export const password = 'correct horse'

export async function startAccountServer(options: AccountServerOptions = {}): Promise<AccountServer> {
  const { publicUrl = 'https://photos.example', allowedOrigins = [publicUrl] } = options
  const database = await createTestDatabase()
  const { db, pool, close } = openDatabase({ url: database.url, poolSize: 12 })
  const jobs = createJobs({ db, pool, log: { error: (fields, message) => console.error(message, fields) } })
  const clock = { offset: 0 }
  const now = () => new Date(Date.now() + clock.offset)
  const issuers = parseJwtIssuers(options.jwtIssuers ?? [])
  const registration = options.registration ?? 'open'
  const accounts = createAccounts({
    db,
    jobs,
    registration,
    storageLimit: 1_000_000,
    sessionDays: 30,
    issuers,
    now,
    ...(options.limiters === undefined ? {} : { limiters: options.limiters }),
  })
  const authenticator = createAuthenticator({
    db,
    issuers,
    storageLimit: 1_000_000,
    allowedOrigins: new Set(allowedOrigins),
    now,
  })

  const app = Fastify({ ajv: { customOptions: { removeAdditional: false, coerceTypes: 'array', allErrors: true } } })
  requirePolicies(app)
  handleErrors(app)
  app.decorateRequest('principal', { getter: () => ({ kind: 'anonymous' }) as Principal })
  await app.register(cookie)
  app.addHook('onRequest', async (request) => {
    const { policy } = request.routeOptions.config
    if (policy === undefined || policy.access === 'public') return
    const principal = await authenticator.authenticate(request)
    Object.defineProperty(request, 'principal', { value: principal })
    authorize(policy, principal)
  })
  await app.register(
    accountRoutes({
      accounts,
      config: { publicUrl, version: '1.2.3', registration, maxFileSize: 50_000, partSize: 8_000, trashDays: 30 },
    }),
  )
  await app.ready()

  const call: AccountServer['call'] = async (method, url, { token, body, headers = {}, cookies, address } = {}) => {
    const request: InjectOptions = {
      method,
      url,
      headers: { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      ...(body === undefined ? {} : { payload: body }),
      ...(cookies === undefined ? {} : { cookies }),
      ...(address === undefined ? {} : { remoteAddress: address }),
    }
    const response = await app.inject(request)
    return {
      status: response.statusCode,
      body: response.body === '' ? null : response.json(),
      headers: response.headers,
      cookies: response.cookies,
    }
  }

  return {
    db,
    accounts,
    authenticator,
    clock,
    call,
    async register(handle) {
      const answer = await call('POST', '/v1/accounts', { body: registrationOf(handle) })
      if (answer.status !== 201) throw new Error(`${handle} could not register: ${JSON.stringify(answer.body)}`)
      return answer.body.token
    },
    async stop() {
      await app.close()
      await close()
      await database.drop()
    },
  }
}

export function registrationOf(handle: string) {
  return { handle, email: `${handle}@example.com`, password, name: handle }
}
