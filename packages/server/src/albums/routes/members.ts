/** Who belongs to an album. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { People } from '../../accounts/index.ts'
import { IdParams, NoContent, orProblem } from '../../http/conventions.ts'
import { actorOf, attemptOf } from '../../http/policy.ts'
import { problems } from '../../problem.ts'
import { removeMember, setMember } from '../members.ts'
import { MemberRoleSchema, MemberSchema } from '../present.ts'
import type { AlbumRouteDeps } from './deps.ts'

const MemberParams = Type.Object({ ...IdParams.properties, handle: Type.String({ minLength: 1, maxLength: 39 }) })

export function memberRoutes({
  context,
  people,
}: Pick<AlbumRouteDeps, 'context'> & { people: People }): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.put(
      '/v1/albums/:id/members/:handle',
      {
        config: { policy: { access: 'account', scope: 'assets:write', owns: 'album' } },
        schema: {
          operationId: 'setAlbumMember',
          tags: ['Albums'],
          summary: 'Let somebody in, or change what they may do; for its owner',
          params: MemberParams,
          body: Type.Object({ role: MemberRoleSchema }, { additionalProperties: false }),
          response: orProblem({ 200: MemberSchema }),
        },
      },
      async (request) => {
        const { id, handle } = request.params
        const { accountId, role } = await setMember(
          context,
          attemptOf(request),
          actorOf(request).accountId,
          id,
          handle,
          request.body.role,
        )
        const person = (await people.find([accountId])).get(accountId)
        if (person === undefined) throw problems.notFound('Nobody here has this handle.')
        return { ...person, role }
      },
    )

    app.delete(
      '/v1/albums/:id/members/:handle',
      {
        config: { policy: { access: 'account', scope: 'assets:write', owns: 'album' } },
        schema: {
          operationId: 'removeAlbumMember',
          tags: ['Albums'],
          summary: 'For its owner, or for the member who leaves; their own photos go with them',
          params: MemberParams,
          response: orProblem({ 204: NoContent }),
        },
      },
      async (request, reply) => {
        const { id, handle } = request.params
        await removeMember(context, attemptOf(request), actorOf(request).accountId, id, handle)
        return reply.code(204).send(null)
      },
    )
  }
}
