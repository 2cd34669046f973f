/** An HTTP proxy between a test and its S3 that goes wrong when told to. For tests only. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * `503`: refuses without asking the store. `hang`: takes the request and never answers. `lose-answer`: lets the store
 * do it, then breaks the connection. `reset`: breaks the connection at once.
 */
export type Fault = 'none' | '503' | 'hang' | 'lose-answer' | 'reset'

export interface FaultProxy {
  /** `http://127.0.0.1:PORT` */
  endpoint: string
  /** Applies to the next `times` requests that `matches`. */
  fail(fault: Fault, times: number, matches?: (request: IncomingMessage) => boolean): void
  close(): Promise<void>
}

export async function startFaultProxy(target: string): Promise<FaultProxy> {
  let fault: Fault = 'none'
  let left = 0
  let applies: (request: IncomingMessage) => boolean = () => true

  const server = createServer((incoming, outgoing) => {
    const hits = left > 0 && applies(incoming)
    if (hits) left -= 1
    const now = hits ? fault : 'none'
    if (now === 'reset') return incoming.socket.destroy()
    if (now === 'hang') return incoming.resume()
    if (now === '503') {
      incoming.resume().on('end', () => outgoing.writeHead(503).end('<Error><Code>SlowDown</Code></Error>'))
      return
    }
    const { host: _, ...headers } = incoming.headers
    // The host is signed: it stays the one the client spoke to.
    const forwarded = request(target, {
      method: incoming.method,
      path: incoming.url,
      headers: { ...headers, host: incoming.headers.host },
    })
    forwarded.on('response', (answer) => {
      if (now === 'lose-answer') {
        answer.resume().on('end', () => incoming.socket.destroy())
        return
      }
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(outgoing)
    })
    forwarded.on('error', () => incoming.socket.destroy())
    incoming.on('close', () => {
      if (!incoming.complete) forwarded.destroy()
    })
    incoming.pipe(forwarded)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fail(kind, times, matches = () => true) {
      fault = kind
      left = times
      applies = matches
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
