/** What the client saw of its own attempts: each part, over which endpoint, how long and how it ended. */
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { history } from '../history/index.ts'
import { IdParams, NoContent, orProblem } from '../http/conventions.ts'
import { attemptOf } from '../http/policy.ts'
import type { UploadDoor } from './route-doors.ts'
import type { Uploads } from './uploads.ts'

const AttemptSchema = Type.Object({
  part: Type.Integer({ minimum: 1, maximum: 10_000 }),
  endpoint: Type.String({ minLength: 1, maxLength: 100 }),
  phase: Type.String({ minLength: 1, maxLength: 40, description: 'For example `transfer`' }),
  bytes: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  milliseconds: Type.Number({ minimum: 0, maximum: 1e9 }),
  outcome: Type.String({ minLength: 1, maxLength: 100, description: '`success`, or the class of the error' }),
})

export function telemetryRoute(uploads: Uploads, door: UploadDoor): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      `${door.prefix}/uploads/:id/telemetry`,
      {
        config: { policy: door.policy('upload') },
        schema: {
          operationId: door.nameOf('reportAttempts'),
          tags: [door.tag],
          summary: "The client's own per-part attempts, for history",
          params: Type.Object({ ...door.params.properties, ...IdParams.properties }),
          body: Type.Object({ attempts: Type.Array(AttemptSchema, { minItems: 1, maxItems: 1000 }) }),
          response: orProblem({ 204: NoContent }),
        },
      },
      async (request, reply) => {
        const upload = await uploads.of(door.senderOf(request), request.params.id)
        const base = attemptOf(request, upload.protocol)
        const tries = new Map<number, number>()
        await history.recordAll(
          uploads.context.db,
          request.body.attempts.map(({ part, endpoint, phase, bytes, milliseconds, outcome }) => {
            const attempt = (tries.get(part) ?? 0) + 1
            tries.set(part, attempt)
            return {
              attempt: { ...base, endpoint, attempt },
              event: {
                action: 'upload.part' as const,
                objectType: 'upload' as const,
                objectId: upload.id,
                size: bytes,
                contentType: upload.content_type,
                phases: { [phase]: milliseconds },
                ...(outcome === 'success' ? {} : { errorClass: outcome }),
              },
            }
          }),
        )
        return reply.code(204).send(null)
      },
    )
  }
}
