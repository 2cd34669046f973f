/** Shapes and headers that every resource of the API shares: pages, entity tags, problem documents. */
import type { FastifyInstance } from 'fastify'
import { type TSchema, type TString, type TUnsafe, Type } from 'typebox'
import { problems } from '../problem.ts'

export const PageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 })),
  cursor: Type.Optional(Type.String({ maxLength: 1024, description: 'Opaque; `nextCursor` of the page before' })),
}

export const pageOf = <T extends TSchema>(item: T) =>
  Type.Object({ items: Type.Array(item), nextCursor: Type.Union([Type.String(), Type.Null()]) })

/**
 * A string or null in a body. Of a union the validator would take null for an empty string, and the other way round, since
 * it turns values into the first type that they can be.
 */
export const orNull = (string: TString): TUnsafe<string | null> =>
  Type.Unsafe<string | null>({ ...string, type: ['string', 'null'] })

/**
 * Lets the form of a page call the routes of this scope: only what a form is answered, a browser streams to the disk. Its
 * field `ids` names assets, separated by commas; an empty one is no `ids` at all.
 */
export function takeForms(scope: FastifyInstance): void {
  scope.addContentTypeParser<string>(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done) => {
      const ids = new URLSearchParams(body).get('ids') ?? ''
      done(null, ids === '' ? {} : { ids: ids.split(',') })
    },
  )
}

export const IdParams = Type.Object({ id: Type.String({ format: 'uuid' }) })

export const ProblemSchema = Type.Object(
  {
    type: Type.String({ description: 'Stable URI reference, for example `/problems/quota-exceeded`' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    instance: Type.String({ description: 'Id of the request, as in the log' }),
    errors: Type.Optional(Type.Array(Type.Object({ path: Type.String(), message: Type.String() }))),
  },
  { additionalProperties: true, description: 'RFC 9457 problem details' },
)

/** Adds the one shape of every error to the answers of a route. */
export const orProblem = <T extends Record<number | string, TSchema>>(responses: T) => ({
  ...responses,
  '4xx': ProblemSchema,
  '5xx': ProblemSchema,
})

export const NoContent = Type.Null({ description: 'Done' })

export function etagOf(version: number): string {
  return `"${version}"`
}

/** The version named by `If-Match`, or null when the caller does not care. */
export function versionOf(ifMatch: string | undefined): number | null {
  if (ifMatch === undefined || ifMatch.trim() === '*') return null
  const match = /^\s*"(\d+)"\s*$/.exec(ifMatch)
  if (match === null) throw problems.preconditionFailed('If-Match does not name a version this server gave out.')
  return Number(match[1])
}
