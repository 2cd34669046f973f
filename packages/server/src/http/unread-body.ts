/**
 * Answering before a body is read. Closing a connection while the client still sends makes the kernel reset it, and the
 * client then sees a broken network instead of the 503 or 413 that would have told it what to do. So the answer is sent
 * whole, `Connection: close` asks the client to stop, and the end of the response waits a moment: what still arrives is
 * thrown away, up to a limit, without any of it being kept.
 */
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'

/** Bytes thrown away before the connection is cut. */
const maxDiscarded = 1024 * 1024
/** Milliseconds. */
const maxWait = 2000

/** Has a plugin answer so whenever an answer is ready before its body was read. */
export function answerBeforeBodyEnds(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply, payload) => {
    if (request.raw.complete || typeof payload !== 'string') return payload
    reply.header('connection', 'close').header('content-length', Buffer.byteLength(payload))
    return answerAndDiscard(request.raw, payload)
  })
}

/** The text of an answer as a stream that ends when the client has stopped sending, or the patience with it. */
export function answerAndDiscard(request: IncomingMessage, text: string): Readable {
  let discarded = 0
  const finish = () => {
    clearTimeout(timer)
    request.off('data', onData).off('end', finish).off('close', finish)
    answer.push(null)
  }
  const onData = (chunk: Buffer) => {
    discarded += chunk.length
    if (discarded > maxDiscarded) finish()
  }
  const timer = setTimeout(finish, maxWait)
  const answer = new Readable({
    read: () => undefined,
    destroy(error, done) {
      clearTimeout(timer)
      done(error)
    },
  })
  answer.push(text)
  request.on('data', onData).on('end', finish).on('close', finish)
  request.resume()
  return answer
}
