/**
 * Thin typed calls to the HTTP API. One call is one request: nothing is retried here, because only the caller knows what
 * may be repeated. An answer that is not a success throws `ApiProblem`; no answer throws `ConnectionFailed`.
 */
import { albumCalls } from './album-calls.ts'
import type {
  Account,
  AccountChanges,
  Asset,
  AssetQuery,
  Credentials,
  NewAccount,
  NewPersonalToken,
  Page,
  PersonalToken,
  Profile,
  Registration,
  ServerInfo,
  Session,
  TokenRequest,
} from './api.ts'
import { type EventsOptions, readEvents } from './events.ts'
import { linkCalls, visitLink } from './link-calls.ts'
import { ConnectionFailed, parseProblem } from './problem.ts'
import { timelineCalls } from './timeline-calls.ts'
import { type Cancellation, cancellation, uploadCalls } from './upload-calls.ts'

export interface ClientOptions {
  /** Origin of the server, for example `https://photos.example.org`; empty for the origin of the page. */
  baseUrl: string
  /** Bearer token. Without one a browser sends its session cookie. */
  token?: string | null
  fetch?: typeof fetch
}

export interface RequestOptions {
  query?: Record<string, string | number | boolean | null | undefined>
  body?: unknown
  headers?: Record<string, string>
  signal?: AbortSignal
  /** Seconds to wait for the whole answer; 60 when absent, for ever when infinite. */
  timeout?: number
  /** Called with the headers of a success: `etag` for a later `if-match`. */
  onHeaders?: (headers: Headers) => void
}

export type Client = ReturnType<typeof createClient>

export function createClient(options: ClientOptions) {
  const baseUrl = options.baseUrl.replace(/\/+$/, '')
  const token = options.token ?? null
  const send = options.fetch ?? fetch

  async function respond(method: string, path: string, request: RequestOptions): Promise<Response> {
    const seconds = request.timeout ?? 60
    const signals = [
      ...(request.signal === undefined ? [] : [request.signal]),
      ...(Number.isFinite(seconds) ? [AbortSignal.timeout(seconds * 1000)] : []),
    ]
    const headers: Record<string, string> = { accept: 'application/json', ...request.headers }
    if (token !== null) headers.authorization ??= `Bearer ${token}`
    if (request.body !== undefined) headers['content-type'] = 'application/json'
    try {
      return await send(baseUrl + path + queryString(request.query), {
        method,
        headers,
        credentials: token === null ? 'include' : 'omit',
        signal: AbortSignal.any(signals),
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      })
    } catch (error) {
      throw connectionError(error, request.signal, `${method} ${baseUrl}${path}`, seconds)
    }
  }

  /** Any call of the API. Resolves with the parsed JSON, or null for an empty answer. */
  async function request<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    const response = await respond(method, path, options)
    let text: string
    try {
      text = await response.text()
    } catch (error) {
      throw connectionError(error, options.signal, `${method} ${baseUrl}${path}`, options.timeout ?? 60)
    }
    if (!response.ok) throw parseProblem(response.status, (name) => response.headers.get(name), text)
    options.onHeaders?.(response.headers)
    if (text === '') return null as T
    try {
      return JSON.parse(text) as T
    } catch (cause) {
      // A captive portal or a wrong address answers 200 with a page.
      throw new ConnectionFailed('unreachable', `${baseUrl} does not answer like a Heliograph server`, cause)
    }
  }

  async function connectEvents(headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
    const response = await respond('GET', '/v1/events', { headers, signal, timeout: Number.POSITIVE_INFINITY })
    if (response.ok) return response
    throw parseProblem(response.status, (name) => response.headers.get(name), await response.text())
  }

  return {
    baseUrl,
    request,

    /** What anyone may know of the server. */
    server: (options: Cancellation = {}) => request<ServerInfo>('GET', '/v1/server', options),

    /**
     * What happens to the account's assets, uploads and notifications, as it happens: `for await (const event of
     * client.events({ signal }))`. Connects again by itself, without a gap or a repetition.
     */
    events: (options: EventsOptions = {}) => readEvents(connectEvents, options),

    accounts: {
      register: (body: Registration) => request<NewAccount>('POST', '/v1/accounts', { body }),
      me: (options: Cancellation = {}) => request<Account>('GET', '/v1/accounts/me', options),
      update: (body: AccountChanges) => request<Account>('PATCH', '/v1/accounts/me', { body }),
      /** The whole account and everything that is its, for good. */
      remove: () => request<null>('DELETE', '/v1/accounts/me'),
      profile: (handle: string, options: Cancellation = {}) =>
        request<Profile>('GET', `/v1/accounts/${encodeURIComponent(handle)}`, options),
    },

    tokens: {
      list: (options: Cancellation = {}) => request<Page<PersonalToken>>('GET', '/v1/accounts/me/tokens', options),
      /** The answer is the only one that holds the secret. */
      create: (body: TokenRequest) => request<NewPersonalToken>('POST', '/v1/accounts/me/tokens', { body }),
      remove: (id: string) => request<null>('DELETE', `/v1/accounts/me/tokens/${encodeURIComponent(id)}`),
    },

    sessions: {
      create: (body: Credentials) => request<Session>('POST', '/v1/sessions', { body }),
      end: () => request<null>('DELETE', '/v1/sessions/current'),
      /** All of the account, this one included. */
      endAll: () => request<null>('DELETE', '/v1/sessions'),
    },

    uploads: uploadCalls(request, '/v1/uploads'),

    albums: albumCalls(request),

    /** The links of one's albums. */
    links: linkCalls(request),

    /** What somebody may do who was given a link, with or without an account. */
    link: (token: string, { access = null }: { access?: string | null } = {}) =>
      visitLink(baseUrl, request, token, access),

    timeline: timelineCalls(request),

    assets: {
      list: (query: AssetQuery = {}, options: Cancellation = {}) =>
        request<Page<Asset>>('GET', '/v1/assets', { query: { ...query }, ...cancellation(options) }),
      get: (id: string, options: Cancellation = {}) =>
        request<Asset>('GET', `/v1/assets/${encodeURIComponent(id)}`, options),
      restore: (id: string, options: Cancellation = {}) =>
        request<Asset | null>('POST', `/v1/assets/${encodeURIComponent(id)}/restore`, { body: {}, ...options }),
      remove: (id: string, query: { permanent?: boolean } = {}, options: Cancellation = {}) =>
        request<null>('DELETE', `/v1/assets/${encodeURIComponent(id)}`, { query, ...cancellation(options) }),
      /** To the trash, or for good; at most 1,000. What is not one's own is left out of the count, here and below. */
      removeMany: (ids: string[], { permanent = false }: { permanent?: boolean } = {}) =>
        request<{ count: number }>('POST', '/v1/assets/delete', { body: { ids, permanent } }),
      restoreMany: (ids: string[]) => request<{ count: number }>('POST', '/v1/assets/restore', { body: { ids } }),
      markMany: (ids: string[], favorite: boolean) =>
        request<{ count: number }>('PATCH', '/v1/assets', { body: { ids, favorite } }),
    },
  }
}

function queryString(query: RequestOptions['query']): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== null && value !== undefined) parameters.set(name, String(value))
  }
  return parameters.size === 0 ? '' : `?${parameters}`
}

/** The caller's own abort is passed on as it is; everything else is a connection that failed. */
function connectionError(error: unknown, signal: AbortSignal | undefined, call: string, seconds: number): unknown {
  if (signal?.aborted === true) return signal.reason
  if (error instanceof Error && error.name === 'TimeoutError') {
    return new ConnectionFailed('timeout', `${call}: no answer within ${seconds} s`, error)
  }
  return new ConnectionFailed('unreachable', `${call}: no connection`, error)
}
