/**
 * Closes the connection of a client that falls silent in the middle of a body, so that it does not hold its place for
 * ever. A body that rests because the store is slow, or that has come whole, is not the client's silence.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'

/** Returns how to stop watching; call it when the body is no longer read. */
export function closeWhenSilent(request: IncomingMessage, response: ServerResponse, idleSeconds: number): () => void {
  const onTimeout = () => {
    const isWaitingForUs = request.complete || request.isPaused() || request.readableLength > 0
    if (isWaitingForUs) request.setTimeout(idleSeconds * 1000)
    else request.socket.destroy()
  }
  // The request says no more when its last byte has come; the response does until it is sent.
  response.on('timeout', onTimeout)
  request.setTimeout(idleSeconds * 1000)
  return () => {
    response.off('timeout', onTimeout)
    request.setTimeout(0)
  }
}
