/**
 * What Cloudflare has around a Worker, as far as the tests need it: the services behind an R2 binding and behind
 * `caches.default`, which workerd speaks to over HTTP (`r2-rpc.c++`, `r2-api.capnp` and `cache.c++` of its source), and an
 * S3 bucket. Each remembers what it was asked.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'

export interface Service {
  /** `127.0.0.1:<port>`. */
  address: string
  /** One line for each request. */
  asked: string[]
  close(): Promise<void>
}

export type Objects = Map<string, Buffer>

export const uploaded = new Date('2026-11-20T12:00:00Z')
export const etagOf = (bytes: Buffer) => createHash('md5').update(bytes).digest('hex')

/** The service behind an R2 binding. */
export function startR2(objects: Objects): Promise<Service> {
  return start((request, response, asked) => {
    const { method, object, range } = JSON.parse(String(request.headers['cf-r2-request']))
    asked.push(`${method} ${object}`)
    const bytes = objects.get(object)
    if (bytes === undefined) {
      const error = JSON.stringify({ version: 1, v4code: 10_007, message: 'The specified key does not exist.' })
      return response.writeHead(404, { 'cf-r2-error': error }).end()
    }
    const start = Number(range?.offset ?? 0)
    const body = bytes.subarray(start, start + Number(range?.length ?? bytes.length))
    const head = JSON.stringify({
      name: object,
      version: '1',
      size: String(bytes.length),
      etag: etagOf(bytes),
      uploaded: String(uploaded.getTime()),
      httpFields: {},
      customFields: [],
      ...(range === undefined ? {} : { range: { offset: String(start), length: String(body.length) } }),
    })
    response.setHeader('cf-r2-metadata-size', Buffer.byteLength(head))
    return response.end(method === 'head' ? head : Buffer.concat([Buffer.from(head), body]))
  })
}

export interface CacheService extends Service {
  /** URLs under which something is kept. */
  kept: Map<string, { headers: Record<string, string>; body: Buffer }>
}

/** The service behind `caches.default`: GET asks, PUT brings a whole HTTP response. */
export async function startCache(): Promise<CacheService> {
  const kept: CacheService['kept'] = new Map()
  const service = await start(async (request, response, asked) => {
    const url = `http://${request.headers.host}${request.url}`
    asked.push(`${request.method} ${url}`)
    if (request.method === 'PUT') {
      kept.set(url, parseResponse(await readAll(request)))
      return response.writeHead(204).end()
    }
    const entry = kept.get(url)
    if (entry === undefined) return response.writeHead(504, { 'cf-cache-status': 'MISS' }).end()
    const headers = { ...entry.headers, 'cf-cache-status': 'HIT' }
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
    if (first === undefined || last === undefined) return response.writeHead(200, headers).end(entry.body)
    const part = entry.body.subarray(Number(first), Number(last) + 1)
    return response
      .writeHead(206, {
        ...headers,
        'content-length': part.length,
        'content-range': `bytes ${first}-${last}/${entry.body.length}`,
      })
      .end(part)
  })
  return { ...service, kept }
}

/** A bucket that speaks as much of S3 as the Worker does, and takes only signed requests. */
export function startS3(objects: Objects): Promise<Service> {
  return start((request, response, asked) => {
    asked.push(`${request.method} ${request.url} ${request.headers.range ?? ''}`.trim())
    if (
      !/^AWS4-HMAC-SHA256 Credential=key\/\d{8}\/auto\/s3\/aws4_request, /.test(request.headers.authorization ?? '')
    ) {
      return response.writeHead(403).end()
    }
    const bytes = objects.get(request.url?.replace('/bucket/', '') ?? '')
    if (bytes === undefined) return response.writeHead(404).end()
    const headers = { etag: `"${etagOf(bytes)}"`, 'last-modified': uploaded.toUTCString() }
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
    if (first === undefined || last === undefined) {
      return response.writeHead(200, { ...headers, 'content-length': bytes.length }).end(bytes)
    }
    const range = `bytes ${first}-${last}/${bytes.length}`
    return response
      .writeHead(206, { ...headers, 'content-range': range })
      .end(bytes.subarray(Number(first), Number(last) + 1))
  })
}

/** Any service of HTTP on a free port. */
export async function start(
  answer: (request: IncomingMessage, response: ServerResponse, asked: string[]) => unknown,
): Promise<Service> {
  const asked: string[] = []
  const listener: RequestListener = (request, response) => {
    Promise.resolve(answer(request, response, asked)).catch((error: Error) => response.destroy(error))
  }
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('It listens nowhere')
  return {
    address: `127.0.0.1:${address.port}`,
    asked,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  return Buffer.concat(await request.toArray())
}

function parseResponse(message: Buffer) {
  const end = message.indexOf('\r\n\r\n')
  const [, ...lines] = message.subarray(0, end).toString().split('\r\n')
  const headers = Object.fromEntries(lines.map((line) => line.toLowerCase().split(': ', 2)))
  return { headers, body: message.subarray(end + 4) }
}
