/**
 * Errors that are part of the interface: RFC 9457 problem details as typed values. Domains throw these; the HTTP
 * door turns them into `application/problem+json`, the command line into a sentence. Anything else that is thrown is a
 * defect or an engine that is down, and is answered as such by `http/errors.ts`.
 */

export interface FieldError {
  /** JSON Pointer (RFC 6901) into the request body, or `/query/…`, `/headers/…`. */
  path: string
  message: string
}

export interface ProblemOptions {
  /** Seconds after which a retry makes sense; sent as `Retry-After`. */
  retryAfter?: number
  errors?: FieldError[]
  /** Extension members of the problem document, for example the missing parts of an upload. */
  extensions?: Record<string, unknown>
  cause?: unknown
}

export class Problem extends Error {
  readonly code: string
  readonly status: number
  readonly title: string
  readonly detail: string
  readonly retryAfter: number | undefined
  readonly errors: FieldError[] | undefined
  readonly extensions: Record<string, unknown>

  constructor(code: string, status: number, title: string, detail: string, options: ProblemOptions = {}) {
    super(`${title}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'Problem'
    this.code = code
    this.status = status
    this.title = title
    this.detail = detail
    this.retryAfter = options.retryAfter
    this.errors = options.errors
    this.extensions = options.extensions ?? {}
  }

  /** The stable URI reference of the problem type (RFC 9457 section 3.1.1). */
  get type(): string {
    return `/problems/${this.code}`
  }
}

type Make = (detail: string, options?: ProblemOptions) => Problem

const define =
  (code: string, status: number, title: string): Make =>
  (detail, options) =>
    new Problem(code, status, title, detail, options)

/** Every problem type of the API. The list is published in the reference, so a new one is added here only. */
export const problems = {
  invalidRequest: define('invalid-request', 400, 'The request is not valid'),
  unauthenticated: define('unauthenticated', 401, 'Sign in first'),
  invalidCredentials: define('invalid-credentials', 401, 'These credentials are not right'),
  passwordRequired: define('password-required', 401, 'This link needs a password'),
  forbidden: define('forbidden', 403, 'Not allowed'),
  insufficientScope: define('insufficient-scope', 403, 'The token does not allow this'),
  registrationClosed: define('registration-closed', 403, 'Registration is closed'),
  accountSuspended: define('account-suspended', 403, 'The account is suspended'),
  invalidSignature: define('invalid-signature', 403, 'The signature of this URL is not valid'),
  notFound: define('not-found', 404, 'Not found'),
  methodNotAllowed: define('method-not-allowed', 405, 'Method not allowed'),
  conflict: define('conflict', 409, 'The state does not allow this'),
  alreadyExists: define('already-exists', 409, 'Already taken'),
  uploadIncomplete: define('upload-incomplete', 409, 'Parts of the upload are missing'),
  uploadClosed: define('upload-closed', 409, 'The upload is over'),
  uploadGone: define('upload-gone', 410, 'The upload is no longer there'),
  linkExpired: define('link-expired', 410, 'This link has expired'),
  preconditionFailed: define('precondition-failed', 412, 'Changed in the meantime'),
  alreadyStored: define('already-stored', 412, 'These bytes are already stored'),
  quotaExceeded: define('quota-exceeded', 413, 'Not enough storage left'),
  fileTooLarge: define('file-too-large', 413, 'The file is too large'),
  unsupportedType: define('unsupported-type', 415, 'This type of file is not supported'),
  rangeNotSatisfiable: define('range-not-satisfiable', 416, 'The range lies outside the file'),
  checksumMismatch: define('checksum-mismatch', 422, 'The bytes do not match their checksum'),
  sizeMismatch: define('size-mismatch', 422, 'The size is not the declared one'),
  contentMismatch: define('content-mismatch', 422, 'The bytes are not what they claim to be'),
  emptyFile: define('empty-file', 422, 'The file is empty'),
  idempotencyMismatch: define('idempotency-mismatch', 422, 'The idempotency key was used for another request'),
  uploadLocked: define('upload-locked', 423, 'Another request is sending to this upload'),
  tooManyRequests: define('too-many-requests', 429, 'Too many requests'),
  internal: define('internal', 500, 'Something went wrong here'),
  unavailable: define('unavailable', 503, 'Not available right now'),
  storageFull: define('storage-full', 507, 'The server has no room left'),
} satisfies Record<string, Make>

export function isProblem(error: unknown): error is Problem {
  return error instanceof Problem
}
