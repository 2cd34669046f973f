import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { ProblemSchema } from '../http/conventions.ts'
import { actorOf } from '../http/policy.ts'
import type { EventStreams } from './streams.ts'

export interface EventRouteDeps {
  streams: EventStreams
  /** Throws a problem when the credentials of the request no longer count. */
  authenticate(request: FastifyRequest): Promise<unknown>
}

const description = `
Server-sent events (\`text/event-stream\`) of what happens to the caller's own things, from now on, or from where
\`Last-Event-ID\` says. \`data\` is one line of JSON:

| event | data |
| --- | --- |
| \`asset.updated\` | \`{"id", "state", "data"}\` of an asset: \`processing\`, \`ready\`, \`failed\`, \`trashed\`, \`deleted\` |
| \`upload.updated\` | \`{"id", "state", "data"}\` of an upload: \`completed\`, \`aborted\`, \`expired\` |
| \`notification\` | \`{"id", "state", "data"}\` of a notification |
| \`reset\` | \`{}\`: events between \`Last-Event-ID\` and now are no longer kept. Load again what you show |

Each event has an \`id\`; so have heartbeats, which come without data every 20 seconds. Sent back as \`Last-Event-ID\`, the
last of them makes the stream go on without a gap or a repetition. Events are kept for 24 hours. Streams end when the server
stops, when the client reads too slowly, and within a heartbeat after its credentials ended: connect again, after \`retry\`
milliseconds. What has no meaning to you, ignore: new types may come.`

export function eventRoutes({ streams, authenticate }: EventRouteDeps): FastifyPluginAsyncTypebox {
  return async (app) => {
    // Before the server waits for its last connections, which these would be.
    app.addHook('preClose', () => streams.close())

    app.get(
      '/v1/events',
      {
        // It would open a stream that nobody reads.
        exposeHeadRoute: false,
        config: { policy: { access: 'account', scope: 'assets:read' } },
        schema: {
          operationId: 'streamEvents',
          tags: ['Events'],
          summary: 'What happens to the assets, uploads and notifications of the caller, as it happens',
          description,
          headers: Type.Object({
            'last-event-id': Type.Optional(
              Type.String({ maxLength: 64, description: 'The last id the client has seen' }),
            ),
          }),
          response: {
            200: {
              description: 'The stream; it has no end of its own',
              content: { 'text/event-stream': { schema: StreamEvent } },
            },
            '4xx': ProblemSchema,
            '5xx': ProblemSchema,
          },
        },
      },
      async (request, reply) => {
        const lastEventId = request.headers['last-event-id']
        const response = reply.raw
        const stream = await streams.open(
          {
            accountId: actorOf(request).accountId,
            lastEventId: lastEventId === undefined || lastEventId === '' ? null : lastEventId,
            verify: () => authenticate(request),
          },
          () => {
            reply.headers({
              'content-type': 'text/event-stream; charset=utf-8',
              // No cache may keep it, no proxy gather it (nginx) or compress it.
              'cache-control': 'no-store, no-transform',
              'x-accel-buffering': 'no',
              connection: 'close',
            })
            reply.hijack()
            for (const [name, value] of Object.entries(reply.getHeaders())) {
              if (value !== undefined) response.setHeader(name, value)
            }
            return {
              write: (text) => response.write(text),
              end: () => response.end(),
              destroy: () => response.destroy(),
            }
          },
        )
        response.on('drain', stream.drained)
        response.on('close', stream.closed)
        // It may have gone while the beginning was looked for.
        if (response.destroyed) stream.closed()
        return reply
      },
    )
  }
}

const Fields = Type.Object({
  id: Type.String({ description: 'Of the asset, upload or notification' }),
  state: Type.String({ description: 'The state it has now' }),
  data: Type.Union([Type.Record(Type.String(), Type.Unknown()), Type.Null()]),
})

const one = (type: string) => Type.Object({ event: Type.Literal(type), id: Type.String(), data: Fields })

const StreamEvent = Type.Union([
  one('asset.updated'),
  one('upload.updated'),
  one('notification'),
  Type.Object({ event: Type.Literal('reset'), id: Type.String(), data: Type.Object({}) }),
])
