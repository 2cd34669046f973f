/**
 * The one place where an error becomes an answer: RFC 9457 problem details that say the truth and never more than the
 * caller may know. Engines that are down are 503 with `Retry-After`; what nobody foresaw is 500, logged once with its cause.
 */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isDatabaseUnavailable } from '../engines/database/database.ts'
import { ObjectStoreError, type ObjectStoreErrorCode } from '../engines/object-store/index.ts'
import { type FieldError, isProblem, type Problem, problems } from '../problem.ts'

/** Seconds a client waits before it asks an engine that was down again. */
const engineRetry = 2

const fromStore: Record<ObjectStoreErrorCode, (error: ObjectStoreError) => Problem> = {
  exists: () => problems.alreadyStored('These bytes are stored already.'),
  'not-found': () => problems.notFound('The file is not there.'),
  closed: () => problems.uploadClosed('The upload is over; no more bytes can be sent.'),
  'size-mismatch': () =>
    problems.sizeMismatch('Another number of bytes arrived than was declared. Upload the file again.'),
  'too-large': () => problems.fileTooLarge('More bytes arrived than are allowed.'),
  'invalid-range': () => problems.rangeNotSatisfiable('The range lies outside the file.'),
  'invalid-part': () =>
    problems.uploadIncomplete('A part is missing or has changed. Ask for the state of the upload and send it again.'),
  'checksum-mismatch': () => problems.checksumMismatch('The bytes changed on their way. Send them again.'),
  full: (error) =>
    problems.storageFull('The server has no room left. Nothing was lost; tell its operator and try again later.', {
      cause: error,
    }),
  unavailable: (error) =>
    problems.unavailable('The store of files does not answer. Nothing was lost; try again in a moment.', {
      retryAfter: engineRetry,
      cause: error,
    }),
}

/** The problem to answer with; unforeseen errors become `internal`. */
export function toProblem(error: unknown): Problem {
  if (isProblem(error)) return error
  if (error instanceof ObjectStoreError) return fromStore[error.code](error)
  if (isDatabaseUnavailable(error)) {
    return problems.unavailable('The database does not answer. Nothing was lost; try again in a moment.', {
      retryAfter: engineRetry,
      cause: error,
    })
  }
  if (isFastifyError(error)) return fromFastify(error)
  return problems.internal(
    'The server made a mistake. It has been logged; try again, and tell the operator the instance if it stays.',
    {
      cause: error,
    },
  )
}

export function handleErrors(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => answer(error, request, reply))
  app.setNotFoundHandler((request, reply) =>
    answer(problems.notFound(`There is nothing at ${pathOf(request)}.`), request, reply),
  )
}

function answer(error: unknown, request: FastifyRequest, reply: FastifyReply) {
  const problem = toProblem(error)
  if (problem.status >= 500) request.log.error({ err: problem.cause ?? error }, problem.message)
  if (problem.retryAfter !== undefined) reply.header('retry-after', Math.ceil(problem.retryAfter))
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="heliograph"')
  // A body that nobody will read must not be waited for, nor be taken for the next request.
  if (!request.raw.complete) reply.header('connection', 'close')
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send({
      type: problem.type,
      title: problem.title,
      status: problem.status,
      detail: problem.detail,
      instance: request.id,
      ...(problem.errors === undefined ? {} : { errors: problem.errors }),
      ...problem.extensions,
    })
}

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && ('validation' in error || (error as Partial<FastifyError>).statusCode !== undefined)
}

function fromFastify(error: FastifyError): Problem {
  if (error.validation !== undefined) {
    const errors: FieldError[] = error.validation.map((failure) => ({
      path: `${error.validationContext === 'body' ? '' : `/${error.validationContext}`}${failure.instancePath}`,
      message: failure.message ?? 'is not valid',
    }))
    // An id that is no id names nothing, so it is missing rather than malformed.
    if (error.validationContext === 'params') return problems.notFound('There is nothing with this id.')
    return problems.invalidRequest('Some fields are not as the reference says; see `errors`.', { errors })
  }
  if (error.statusCode === 413) return problems.fileTooLarge('The request body is too large for this call.')
  if (error.statusCode === 415) return problems.unsupportedType('This call takes application/json.')
  if (error.statusCode === 405) return problems.methodNotAllowed('This method is not allowed here.')
  if (error.statusCode !== undefined && error.statusCode < 500) return problems.invalidRequest(error.message)
  return problems.internal('The server made a mistake. It has been logged.', { cause: error })
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?')[0] ?? '/'
}
