/**
 * The body of a request as a stream that may be given to a store. Destroying a Node request destroys its socket, and with
 * it the answer: a store that gives up (disk full, wrong checksum) would look like a broken network. This stream ends on
 * its own, and the socket stays for the answer.
 *
 * It also ends what a client leaves hanging: silent for `idleSeconds` with nothing of it unread, its connection is closed.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'

export interface IncomingBodyOptions {
  idleSeconds: number
  onBytes(count: number): void
}

/** The caller destroys the stream when it is done with it, read to the end or not. */
export function incomingBody(
  request: IncomingMessage,
  response: ServerResponse,
  { idleSeconds, onBytes }: IncomingBodyOptions,
): Readable {
  const onData = (chunk: Buffer) => {
    onBytes(chunk.length)
    if (!body.push(chunk)) request.pause()
  }
  const onEnd = () => body.push(null)
  const onClose = () => {
    if (!request.complete) body.destroy(new ClientGone())
  }
  const onIdle = () => {
    // Then it is the store that is slow, and the client that waits.
    if (request.complete || request.isPaused()) request.socket.setTimeout(idleSeconds * 1000)
    else request.socket.destroy()
  }

  const body = new Readable({
    // One chunk at a time: a thousand clients at once must not each hold a buffer full.
    highWaterMark: 1,
    read: () => {
      request.resume()
    },
    destroy(error, done) {
      request.off('data', onData).off('end', onEnd).off('close', onClose)
      response.off('timeout', onIdle)
      // From here on it is the store that takes its time.
      request.setTimeout(0)
      request.pause()
      done(error)
    },
  })
  request.pause()
  request.on('data', onData).on('end', onEnd).on('close', onClose)
  // The request says no more when its last byte has come; the response does until it is sent.
  response.on('timeout', onIdle)
  request.setTimeout(idleSeconds * 1000)
  if (request.destroyed && !request.complete) onClose()
  return body
}

/** The connection broke before the body was whole; nobody is left to answer. */
export class ClientGone extends Error {
  constructor() {
    super('The client closed the connection before the end of the body')
    this.name = 'ClientGone'
  }
}
