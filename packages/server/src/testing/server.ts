/**
 * The whole server on free ports, on a database and a folder of its own: what tests talk to over HTTP, as a client would.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { type HeliographServer, type Injected, startServer } from '../composition.ts'
import { type Environment, loadConfig } from '../config/index.ts'
import { createTestDatabase } from './postgres.ts'

export interface TestServer extends HeliographServer {
  address: string
  dataDir: string
  databaseUrl: string
  /** Registers an account; the first of a server is its administrator. */
  register(handle: string): Promise<TestAccount>
  /** Waits until no job is due or running; throws after a minute. */
  settleJobs(): Promise<void>
}

export interface TestAccount {
  handle: string
  token: string
  id: string
  /** Calls the api as this account with JSON, or a raw body given as `body`. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<TestAnswer>
}

// Tests reach into bodies they have just asserted on; a type for each would say nothing more.
// biome-ignore lint/suspicious/noExplicitAny: see above.
export type Json = any

export interface TestAnswer {
  status: number
  headers: Headers
  body: Json
}

export async function startTestServer(environment: Environment = {}, injected: Injected = {}): Promise<TestServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'heliograph-test-'))
  const database = await createTestDatabase()
  const config = loadConfig({
    PORT: '0',
    OPS_PORT: '0',
    DATA_DIR: dataDir,
    DATABASE_URL: database.url,
    DATABASE_POOL: '16',
    IMAGE_CONCURRENCY: '1',
    PATH: process.env.PATH,
    LOG_LEVEL: 'silent',
    ...environment,
  })
  const server = await startServer(config, pino({ level: config.logLevel }), injected)
  const address = server.address ?? ''

  return {
    ...server,
    address,
    dataDir,
    databaseUrl: database.url,
    register: (handle) => register(address, handle),
    settleJobs: () => settleJobs(server),
    async close() {
      await server.close()
      await database.drop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

export async function register(address: string, handle: string): Promise<TestAccount> {
  const answer = await call(address, null, 'POST', '/v1/accounts', {
    handle,
    email: `${handle}@example.org`,
    password: 'correct horse battery',
    name: handle,
  })
  if (answer.status !== 201) throw new Error(`Registration answered ${answer.status}: ${JSON.stringify(answer.body)}`)
  const { token, account } = answer.body
  return {
    handle,
    token,
    id: account.id,
    call: (method, path, body, headers) => call(address, token, method, path, body, headers),
  }
}

export async function call(
  address: string,
  token: string | null,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<TestAnswer> {
  const isRaw = body instanceof Uint8Array || body instanceof ReadableStream
  const response = await fetch(path.startsWith('http') ? path : `${address}${path}`, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined || isRaw ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: isRaw ? (body as BodyInit) : JSON.stringify(body), duplex: 'half' }),
  } as RequestInit)
  // It has no end to wait for.
  if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
    await response.body?.cancel()
    return { status: response.status, headers: response.headers, body: null }
  }
  const bytes = Buffer.from(await response.arrayBuffer())
  const isJson = /json/.test(response.headers.get('content-type') ?? '')
  return {
    status: response.status,
    headers: response.headers,
    body: isJson && bytes.length > 0 ? JSON.parse(bytes.toString()) : bytes,
  }
}

async function settleJobs(server: HeliographServer): Promise<void> {
  const deadline = Date.now() + 60_000
  while (Date.now() < deadline) {
    const { rows } = await server.engines.pool.query<{ due: number }>(
      `select count(*)::int as due from graphile_worker.jobs where attempts < max_attempts and (locked_at is not null or run_at <= now())`,
    )
    if (rows[0]?.due === 0) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('Jobs are still due after a minute')
}
