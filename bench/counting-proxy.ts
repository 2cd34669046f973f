/** Passes requests on to an object store and counts them, to see what a cache leaves for its origin. */
import { once } from 'node:events'
import http from 'node:http'

export interface CountingProxy {
  endpoint: string
  /** Requests so far by method, and bytes of bodies answered. */
  counts(): { head: number; get: number; bytes: number }
  stop(): Promise<void>
}

export async function startCountingProxy(target: string): Promise<CountingProxy> {
  const { hostname, port } = new URL(target)
  const agent = new http.Agent({ keepAlive: true })
  const counted = { head: 0, get: 0, bytes: 0 }
  const server = http.createServer((request, response) => {
    if (request.method === 'HEAD') counted.head += 1
    if (request.method === 'GET') counted.get += 1
    // The host stays as the client sent it: it is part of the signature.
    const { method = 'GET', url = '/', headers } = request
    const onward = http.request({ hostname, port, method, path: url, headers, agent }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
      answer.on('data', (chunk: Buffer) => {
        counted.bytes += chunk.length
      })
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port')
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    counts: () => ({ ...counted }),
    async stop() {
      agent.destroy()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
