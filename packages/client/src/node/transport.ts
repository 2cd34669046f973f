/**
 * PUTs over `node:http` instead of `fetch`, because it streams with an exact `Content-Length`, says how far the socket is,
 * and hears an early answer (a 503, a 413) while it is still sending.
 */

import { once } from 'node:events'
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { ConnectionFailed } from '../problem.ts'
import type { PutAnswer, PutRequest, PutTransport } from '../upload/transport.ts'

/** More of an answer than this is not of interest, bytes. */
const longestAnswer = 64 * 1024

export interface NodeTransport extends PutTransport {
  /** Closes the connections that are kept open for further parts. */
  close(): void
}

export function createNodeTransport(): NodeTransport {
  const http = new HttpAgent({ keepAlive: true })
  const https = new HttpsAgent({ keepAlive: true })

  function send(target: URL, { method, headers, size, signal }: PutRequest) {
    const options = { method, headers: { ...headers, 'content-length': String(size) }, signal }
    return target.protocol === 'https:'
      ? httpsRequest(target, { ...options, agent: https })
      : httpRequest(target, { ...options, agent: http })
  }

  async function put(request: PutRequest): Promise<PutAnswer> {
    const { signal } = request
    signal.throwIfAborted()
    const target = new URL(request.url)
    const outgoing = send(target, request)
    const answered = Promise.withResolvers<IncomingMessage>()
    const stop = new AbortController()
    outgoing.once('response', (message) => {
      answered.resolve(message)
      stop.abort()
    })
    outgoing.on('error', (error) => {
      answered.reject(error)
      stop.abort()
    })

    try {
      const [message] = await Promise.all([answered.promise, sendBody(request, outgoing, stop.signal)])
      return await readAnswer(message)
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (error instanceof BodyUnreadable) throw error.cause
      throw new ConnectionFailed('unreachable', `No connection to ${target.host}`, error)
    } finally {
      // After an early answer the rest of the body is never sent, so the connection cannot be used again.
      if (!outgoing.writableFinished) outgoing.destroy()
    }
  }

  return {
    reportsProgress: true,
    put,
    close() {
      http.destroy()
      https.destroy()
    },
  }
}

/** Reading the source failed, which is no fault of the network. */
class BodyUnreadable extends Error {}

async function sendBody(
  { body, onProgress }: PutRequest,
  outgoing: ReturnType<typeof httpRequest>,
  stop: AbortSignal,
): Promise<void> {
  const reader = body.stream().getReader()
  let sent = 0
  try {
    while (!stop.aborted) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        throw new BodyUnreadable('The source cannot be read', { cause })
      })
      if (stop.aborted) return
      if (done) {
        outgoing.end()
        return
      }
      const { byteLength } = value
      const flows = outgoing.write(value, (error) => {
        if (error) return
        sent += byteLength
        onProgress(sent)
      })
      // An early answer or a lost connection ends the waiting.
      if (!flows) await once(outgoing, 'drain', { signal: stop }).catch(() => undefined)
    }
  } finally {
    await reader.cancel()
  }
}

async function readAnswer(message: IncomingMessage): Promise<PutAnswer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of message as AsyncIterable<Buffer>) {
    if (length < longestAnswer) chunks.push(chunk)
    length += chunk.length
  }
  return {
    status: message.statusCode ?? 0,
    header(name) {
      const value = message.headers[name.toLowerCase()]
      return Array.isArray(value) ? value.join(', ') : (value ?? null)
    },
    text: Buffer.concat(chunks).toString('utf8'),
  }
}
