/**
 * What can go wrong between client and server, as two kinds of errors: the server answered with a problem (RFC 9457), or
 * there was no answer at all. Everything that retries or explains looks at these.
 */

export class ApiProblem extends Error {
  /** Stable reference such as `/problems/quota-exceeded`; `about:blank` when the answer was not a problem document. */
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  /** Seconds after which the server asks to be tried again, or null. */
  readonly retryAfter: number | null
  /** Every other member of the problem document. */
  readonly extensions: Record<string, unknown>

  constructor(fields: {
    type: string
    title: string
    status: number
    detail: string
    retryAfter?: number | null
    extensions?: Record<string, unknown>
  }) {
    super(fields.detail === '' ? fields.title : fields.detail)
    this.name = 'ApiProblem'
    this.type = fields.type
    this.title = fields.title
    this.status = fields.status
    this.detail = fields.detail
    this.retryAfter = fields.retryAfter ?? null
    this.extensions = fields.extensions ?? {}
  }

  /** The last segment of `type`: `quota-exceeded`. */
  get code(): string {
    return this.type.slice(this.type.lastIndexOf('/') + 1)
  }
}

/** No answer: refused, reset, timed out, or stalled. */
export class ConnectionFailed extends Error {
  readonly kind: 'unreachable' | 'timeout' | 'stalled'

  constructor(kind: ConnectionFailed['kind'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'ConnectionFailed'
    this.kind = kind
  }
}

/** Makes the problem out of an answer that is not a success, whatever its body is. */
export function parseProblem(status: number, header: (name: string) => string | null, body: string): ApiProblem {
  const retryAfter = parseRetryAfter(header('retry-after'), Date.now())
  const document = parseObject(body)
  if (document === null) {
    return new ApiProblem({ type: 'about:blank', title: `HTTP ${status}`, status, detail: '', retryAfter })
  }
  const { type, title, status: _, detail, ...extensions } = document
  return new ApiProblem({
    type: typeof type === 'string' ? type : 'about:blank',
    title: typeof title === 'string' ? title : `HTTP ${status}`,
    status,
    detail: typeof detail === 'string' ? detail : '',
    retryAfter,
    extensions,
  })
}

function parseObject(body: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null
  } catch {
    // Proxies answer HTML or nothing; the status says enough.
    return null
  }
}

/** Seconds from a `Retry-After` header (RFC 9110 section 10.2.3), which is a number or a date; null when absent. */
export function parseRetryAfter(value: string | null, now: number): number | null {
  if (value === null || value.trim() === '') return null
  const seconds = Number(value)
  if (Number.isFinite(seconds)) return Math.max(0, seconds)
  const date = Date.parse(value)
  return Number.isNaN(date) ? null : Math.max(0, (date - now) / 1000)
}

const transientStatuses = new Set([408, 425, 429, 500, 502, 503, 504])

/** True when the same call may succeed later without anything being changed. */
export function isTransient(error: unknown): boolean {
  if (error instanceof ConnectionFailed) return true
  return error instanceof ApiProblem && transientStatuses.has(error.status)
}
