/**
 * The timeline over HTTP. Whoever has an answer is asked whether it is still true before anything is made; what is made is
 * kept as it was sent, compressed.
 */
import { createHash } from 'node:crypto'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { orProblem } from '../http/conventions.ts'
import { type Coding, chooseCoding, encodeQuickly, quickCodings } from '../http/encoding.ts'
import { actorOf } from '../http/policy.ts'
import { type Answer, createAnswers } from './answers.ts'
import { TimelineItemSchema } from './items.ts'
import type { Timeline } from './timeline.ts'

/** Bytes of answers that are kept: some 1,000 pages of 500 items. */
const keptAnswers = 64 * 1024 * 1024
/** An answer below this is sent as it is: it fits into a packet or two anyway. */
const worthCoding = 1_400
const longestPage = 500

const MonthText = Type.String({ description: '`2026-11`, by the clock of the place' })
const FilterQuery = {
  kind: Type.Optional(Type.Union([Type.Literal('image'), Type.Literal('video')])),
  favorite: Type.Optional(Type.Boolean()),
}

interface View {
  /** Everything the answer depends on that the caller chose. */
  name: string
  month: string | null
  read(): Promise<unknown>
}

export function timelineRoutes({ timeline }: { timeline: Timeline }): FastifyPluginAsyncTypebox {
  const answers = createAnswers(keptAnswers)

  /** Answers 304 where the caller has it already. */
  async function send(
    request: FastifyRequest,
    reply: FastifyReply,
    { name, month, read }: View,
  ): Promise<FastifyReply> {
    const ownerId = actorOf(request).accountId
    const tag = await timeline.version(ownerId, month)
    const etag = etagOf(ownerId, name, tag)
    reply.header('etag', etag).header('cache-control', 'private, no-cache').header('vary', 'Accept-Encoding')
    if (isAmong(etag, request.headers['if-none-match'])) return reply.code(304).send()

    const coding = chooseCoding(request.headers['accept-encoding'], quickCodings)
    const answer = await answers.get(`${ownerId} ${name} ${coding}`, tag, async () => encode(await read(), coding))
    if (answer.coding !== null) reply.header('content-encoding', answer.coding)
    return reply.type('application/json; charset=utf-8').send(answer.body)
  }

  return async (app) => {
    app.get(
      '/v1/timeline',
      {
        config: { policy: { access: 'account', scope: 'assets:read' } },
        schema: {
          operationId: 'getTimeline',
          tags: ['Timeline'],
          summary: 'Months with counts, newest first',
          querystring: Type.Object(FilterQuery),
          response: orProblem({
            200: Type.Object({ items: Type.Array(Type.Object({ month: MonthText, count: Type.Integer() })) }),
          }),
        },
      },
      async (request, reply) => {
        const { kind, favorite } = request.query
        const ownerId = actorOf(request).accountId
        return send(request, reply, {
          name: nameOf('months', kind, favorite),
          month: null,
          read: async () => ({ items: await timeline.months(ownerId, { kind, favorite }) }),
        })
      },
    )

    app.get(
      '/v1/timeline/:month',
      {
        config: { policy: { access: 'account', scope: 'assets:read' } },
        schema: {
          operationId: 'getTimelineMonth',
          tags: ['Timeline'],
          summary: 'What was taken in a month, newest first',
          description:
            'Compressed, and answered with 304 to an `If-None-Match` that still holds. URLs stay the same within a time bucket.',
          params: Type.Object({
            month: Type.String({ pattern: '^(?!0000)\\d{4}-(0[1-9]|1[0-2])$', description: '`2026-11`' }),
          }),
          querystring: Type.Object({
            ...FilterQuery,
            offset: Type.Optional(
              Type.Integer({ minimum: 0, maximum: 100_000_000, default: 0, description: 'Items before the first one' }),
            ),
            limit: Type.Optional(Type.Integer({ minimum: 1, maximum: longestPage, default: longestPage })),
          }),
          response: orProblem({
            200: Type.Object({ month: MonthText, items: Type.Array(TimelineItemSchema) }),
          }),
        },
      },
      async (request, reply) => {
        const { month } = request.params
        const { kind, favorite, offset = 0, limit = longestPage } = request.query
        const ownerId = actorOf(request).accountId
        return send(request, reply, {
          name: nameOf(month, kind, favorite, offset, limit),
          month,
          read: async () => ({
            month,
            items: await timeline.items(ownerId, month, { kind, favorite }, { offset, limit }),
          }),
        })
      },
    )
  }
}

async function encode(value: unknown, coding: Coding | null): Promise<Answer> {
  const text = JSON.stringify(value)
  if (coding === null || text.length < worthCoding) return { body: Buffer.from(text), coding: null }
  return { body: await encodeQuickly(text, coding), coding }
}

function nameOf(...parts: unknown[]): string {
  return parts.map((part) => part ?? '').join(' ')
}

/** Weak, since one answer has several codings; of the owner, so that another account of the same browser never matches. */
function etagOf(...parts: string[]): string {
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
  return `W/"${hash.slice(0, 22)}"`
}

/** RFC 9110 section 13.1.2, compared weakly. */
function isAmong(etag: string, ifNoneMatch: string | undefined): boolean {
  if (ifNoneMatch === undefined) return false
  if (ifNoneMatch.trim() === '*') return true
  const opaque = etag.replace(/^W\//, '')
  return ifNoneMatch.split(',').some((one) => one.trim().replace(/^W\//, '') === opaque)
}
