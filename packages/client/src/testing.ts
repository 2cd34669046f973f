/**
 * A scripted server for the tests of the upload engine: it keeps parts in memory, speaks the upload calls of the contract
 * over real HTTP, and does to each request what the test's script says.
 */
import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Asset } from './api.ts'

export interface Incoming {
  method: string
  path: string
  /** Of a PUT: its part, from 1, and the endpoint it came to. */
  part: number
  endpoint: string
  upload: string
  /** How often this method and path were called before. */
  earlier: number
  headers: IncomingMessage['headers']
}

/** `undefined` lets the request through. */
export type Fault =
  | { status: number; headers?: Record<string, string>; body?: unknown }
  /** The connection ends before the body is read. */
  | 'drop'
  /** The request has its effect, and the answer never arrives. */
  | 'lose-answer'
  /** No byte is read and nothing is answered. */
  | 'stall'
  | undefined

export interface ScriptedServer {
  baseUrl: string
  requests: Incoming[]
  uploads: Map<string, StoredUpload>
  assets: Asset[]
  /** Most PUTs that were open at once. */
  mostAtOnce: number
  telemetry: { part: number; endpoint: string; outcome: string }[]
  puts(): Incoming[]
  close(): Promise<void>
}

export interface StoredUpload {
  id: string
  state: 'uploading' | 'completed' | 'aborted'
  filename: string
  size: number
  sha256: string
  parts: Map<number, Buffer>
  asset: Asset | null
}

export interface ServerOptions {
  partSize?: number
  endpoints?: string[]
  /** Parts whose URLs the plan carries. */
  signedAtOnce?: number
  checksum?: 'sha-256' | 'md5' | null
  script?: (request: Incoming, server: ScriptedServer) => Fault | Promise<Fault>
}

export async function startScriptedServer(options: ServerOptions = {}): Promise<ScriptedServer> {
  const { partSize = 64 * 1024, endpoints = ['edge'], signedAtOnce = 1000, checksum = 'sha-256' } = options
  const counts = new Map<string, number>()
  const plans = new Map<string, string>()
  let openPuts = 0
  let signature = 0

  const http = createServer((request, response) => {
    void handle(request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500).end(String(error))
    })
  })
  http.listen(0, '127.0.0.1')
  await new Promise((resolve) => http.once('listening', resolve))
  const baseUrl = `http://127.0.0.1:${(http.address() as AddressInfo).port}`

  const server: ScriptedServer = {
    baseUrl,
    requests: [],
    uploads: new Map(),
    assets: [],
    mostAtOnce: 0,
    telemetry: [],
    puts: () => server.requests.filter((request) => request.method === 'PUT'),
    async close() {
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }

  const partCount = (size: number) => Math.ceil(size / partSize)

  function sign(upload: StoredUpload, from: number, to: number) {
    signature++
    return Array.from({ length: to - from + 1 }, (_, index) => {
      const number = from + index
      return {
        number,
        size: Math.min(partSize, upload.size - (number - 1) * partSize),
        method: 'PUT',
        headers: { 'x-part': String(number) },
        urls: endpoints.map((endpoint) => ({
          endpoint,
          url: `${baseUrl}/u/${endpoint}/${upload.id}/${number}?signature=${signature}`,
          checksum,
        })),
      }
    })
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', baseUrl)
    const method = request.method ?? ''
    const isPut = url.pathname.startsWith('/u/')
    const [, , endpoint = '', upload = '', part = '0'] = isPut ? url.pathname.split('/') : []
    const counter = `${method} ${url.pathname}`
    const earlier = counts.get(counter) ?? 0
    counts.set(counter, earlier + 1)
    const incoming: Incoming = {
      method,
      path: url.pathname + url.search,
      part: Number(part),
      endpoint,
      upload,
      earlier,
      headers: request.headers,
    }
    server.requests.push(incoming)
    const fault = await options.script?.(incoming, server)
    if (fault === 'stall') return
    if (fault === 'drop') return void request.socket.destroy()
    if (typeof fault === 'object') {
      const headers = { 'content-type': 'application/problem+json', ...fault.headers }
      request.resume()
      return void response.writeHead(fault.status, headers).end(JSON.stringify(fault.body ?? {}))
    }
    if (isPut) server.mostAtOnce = Math.max(server.mostAtOnce, ++openPuts)
    const body = await readBody(request).finally(() => {
      if (isPut) openPuts--
    })
    const [status, answer] = isPut ? put(incoming, body) : call(method, url, body, request)
    if (fault === 'lose-answer') return void request.socket.destroy()
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(answer === null ? '' : JSON.stringify(answer))
  }

  function put({ upload: id, part, headers }: Incoming, body: Buffer): [number, unknown] {
    const upload = server.uploads.get(id)
    if (upload === undefined || upload.state !== 'uploading') return [404, { type: '/problems/not-found' }]
    if (headers['content-length'] !== String(body.length) || headers['x-part'] !== String(part)) return [400, {}]
    const digest = createHash(checksum === 'md5' ? 'md5' : 'sha256')
      .update(body)
      .digest('base64')
    const sent = checksum === 'md5' ? headers['content-md5'] : headers['content-digest']
    if (checksum !== null && sent !== (checksum === 'md5' ? digest : `sha-256=:${digest}:`)) {
      return [422, { type: '/problems/checksum-mismatch' }]
    }
    upload.parts.set(part, body)
    return [200, null]
  }

  function call(method: string, url: URL, body: Buffer, request: IncomingMessage): [number, unknown] {
    const json = body.length === 0 ? {} : JSON.parse(body.toString())
    if (url.pathname === '/v1/uploads') return plan(json, String(request.headers['idempotency-key']))
    if (url.pathname.endsWith('/restore')) return [200, null]
    const [, , , id = '', action = ''] = url.pathname.split('/')
    const upload = server.uploads.get(id)
    if (upload === undefined)
      return [404, { type: '/problems/not-found', title: 'Not found', detail: 'No such upload.' }]
    if (action === 'telemetry') {
      server.telemetry.push(...json.attempts)
      return [204, null]
    }
    if (action === 'parts') {
      const [from = 1, to = from] = (url.searchParams.get('numbers') ?? '').split('-').map(Number)
      return [200, { parts: sign(upload, from, to) }]
    }
    if (action === 'complete') return complete(upload)
    if (method === 'DELETE') {
      upload.state = 'aborted'
      return [204, null]
    }
    const received = [...upload.parts].map(([number, bytes]) => ({ number, size: bytes.length }))
    const transfer = { strategy: 'multipart', partSize, partCount: partCount(upload.size) }
    return [200, { id, state: upload.state, size: upload.size, expiresAt: '', transfer, received }]
  }

  function plan(json: { filename: string; size: number; sha256: string }, key: string): [number, unknown] {
    const duplicate = server.assets.find((asset) => asset.sha256 === json.sha256)
    if (duplicate !== undefined) return [200, { duplicateOf: duplicate }]
    const id = plans.get(key) ?? randomUUID()
    plans.set(key, id)
    const { filename, size, sha256 } = json
    const existing = server.uploads.get(id)
    const upload: StoredUpload = existing ?? {
      id,
      state: 'uploading',
      filename,
      size,
      sha256,
      parts: new Map(),
      asset: null,
    }
    server.uploads.set(id, upload)
    const parts = sign(upload, 1, Math.min(partCount(size), signedAtOnce))
    const transfer = { strategy: 'multipart', partSize, partCount: partCount(size), parts }
    return [201, { id, state: 'uploading', size, expiresAt: '', transfer }]
  }

  function complete(upload: StoredUpload): [number, unknown] {
    if (upload.asset !== null) return [200, { asset: upload.asset }]
    if (upload.state !== 'uploading') return [409, { type: '/problems/upload-closed' }]
    const numbers = Array.from({ length: partCount(upload.size) }, (_, index) => index + 1)
    const missing = numbers.filter((number) => !upload.parts.has(number)).map((number) => ({ number }))
    if (missing.length > 0) return [409, { type: '/problems/upload-incomplete', missing }]
    const bytes = Buffer.concat(numbers.map((number) => upload.parts.get(number) ?? Buffer.alloc(0)))
    if (createHash('sha256').update(bytes).digest('hex') !== upload.sha256) {
      upload.state = 'aborted'
      return [422, { type: '/problems/checksum-mismatch', title: 'Wrong bytes', detail: 'The bytes are damaged.' }]
    }
    upload.state = 'completed'
    upload.asset = assetOf(upload)
    server.assets.push(upload.asset)
    return [201, { asset: upload.asset }]
  }

  return server
}

export function assetOf({ filename, size, sha256 }: { filename: string; size: number; sha256: string }): Asset {
  return {
    id: randomUUID(),
    kind: 'image',
    state: 'ready',
    failure: null,
    processing: null,
    filename,
    contentType: 'image/jpeg',
    size,
    sha256,
    width: null,
    height: null,
    duration: null,
    animated: false,
    capturedAt: '2026-01-01T00:00:00Z',
    capturedOffset: null,
    location: null,
    camera: null,
    lens: null,
    exposure: null,
    thumbhash: null,
    favorite: false,
    description: null,
    uploadedAt: '2026-01-01T00:00:00Z',
    trashedAt: null,
    urls: {
      original: '',
      thumb: null,
      small: null,
      preview: null,
      large: null,
      avif: null,
      poster: null,
      video: null,
      hls: null,
      motion: null,
    },
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}
