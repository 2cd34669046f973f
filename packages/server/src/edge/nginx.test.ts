import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, stat } from 'node:fs/promises'
import http2 from 'node:http2'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { placeOf } from '@heliograph/signing'
import { startTestOrigin } from './cache/test-origin.ts'
import { eventually, startTestEdge, type TestEdge, type TestEdgeOptions } from './test-edge.ts'
import { startNginx, type TestNginx } from './test-nginx.ts'

const program = process.env.HELIOGRAPH_TEST_NGINX ?? ''
const skip =
  program === '' && 'no nginx: sudo apt-get install -y --no-install-recommends nginx-light openssl, then npm test'

interface Answer {
  status: number
  headers: http2.IncomingHttpHeaders
  body: Buffer
}

interface Front {
  edge: TestEdge
  nginx: TestNginx
  session: http2.ClientHttp2Session
  /** Sends a URL that was signed for the edge to nginx, over HTTP/2. */
  get(url: string, headers?: Record<string, string>, method?: string): Promise<Answer>
  [Symbol.asyncDispose](): Promise<void>
}

async function start(options: TestEdgeOptions = {}, cache?: string): Promise<Front> {
  const edge = await startTestEdge({ trustProxy: '127.0.0.1', accelRedirect: '/_files', ...options })
  const nginx = await startNginx({
    program,
    upstream: edge.base,
    files: edge.root,
    cache: cache ?? join(edge.root, 'no'),
  })
  const session = http2.connect(nginx.base, { ca: nginx.certificate })
  return {
    edge,
    nginx,
    session,
    async get(url, headers = {}, method = 'GET') {
      const stream = session.request({ ':method': method, ':path': url.replace(edge.base, ''), ...headers })
      const [answered] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders]
      return { status: Number(answered[':status']), headers: answered, body: await buffer(stream) }
    },
    async [Symbol.asyncDispose]() {
      session.destroy()
      await nginx[Symbol.asyncDispose]()
      await edge[Symbol.asyncDispose]()
    },
  }
}

describe('behind nginx', { skip }, () => {
  it('a file is sent by nginx itself, as the grant says, whole and in part', async () => {
    await using front = await start()
    const { edge, get } = front
    const bytes = randomBytes(3_000_000)
    await edge.keep('originals/one', bytes)
    const url = await edge.getUrl()
    const origin = { origin: 'https://photos.example' }
    const whole = await get(url, origin)
    assert.equal(whole.status, 200)
    assert.deepEqual(whole.body, bytes)
    assert.partialDeepStrictEqual(
      { ...whole.headers },
      {
        'content-type': 'image/jpeg',
        'content-length': '3000000',
        'content-disposition': 'inline; filename="one.jpg"',
        'x-content-type-options': 'nosniff',
        'content-security-policy': 'sandbox',
        'accept-ranges': 'bytes',
        'access-control-allow-origin': origin.origin,
        vary: 'Origin',
      },
    )
    assert.match(whole.headers['cache-control'] ?? '', /^private, max-age=\d+, immutable$/)
    assert.equal(whole.headers['x-accel-redirect'], undefined)
    // It was nginx: the edge counted no bytes.
    assert.equal(edge.bytes.out, 0)

    const part = await get(url, { range: 'bytes=1000000-1999999', 'if-range': whole.headers.etag ?? '' })
    assert.equal(part.status, 206)
    assert.equal(part.headers['content-range'], 'bytes 1000000-1999999/3000000')
    assert.deepEqual(part.body, bytes.subarray(1_000_000, 2_000_000))

    const same = await get(url, { 'if-none-match': whole.headers.etag ?? '' })
    assert.deepEqual([same.status, same.body.length], [304, 0])
    const head = await get(url, {}, 'HEAD')
    assert.deepEqual([head.status, head.headers['content-length'], head.body.length], [200, '3000000', 0])
    assert.equal((await fetch(url, { headers: { 'if-none-match': whole.headers.etag ?? '' } })).status, 304)

    await edge.store.delete('originals/one')
    assert.equal((await get(url)).status, 404)
  })

  it('a thumbnail is sent by nginx, which asks about a URL once and about the file each time', async () => {
    await using front = await start()
    const { edge, get } = front
    const key = 'renditions/0123456789abcdef0123456789abcdef/thumb.0a1b.webp'
    const bytes = randomBytes(30_000)
    await edge.keep(key, bytes)
    const url = await edge.getUrl({ key, type: 'image/webp', filename: null })
    const origin = { origin: 'https://photos.example' }
    const whole = await get(url, origin)
    assert.deepEqual(whole.body, bytes)
    assert.partialDeepStrictEqual(
      { ...whole.headers },
      {
        'content-type': 'image/webp',
        'content-length': '30000',
        'content-disposition': 'inline',
        'x-content-type-options': 'nosniff',
        'content-security-policy': 'sandbox',
        'access-control-allow-origin': origin.origin,
      },
    )
    assert.match(whole.headers['cache-control'] ?? '', /^private, max-age=\d+, immutable$/)
    const asked = edge.events.length
    for (let time = 0; time < 5; time += 1) assert.deepEqual((await get(url, origin)).body, bytes)
    const part = await get(url, { ...origin, range: 'bytes=10-19' })
    assert.deepEqual([part.status, part.body], [206, bytes.subarray(10, 20)])
    const same = await get(url, { ...origin, 'if-none-match': whole.headers.etag ?? '' })
    assert.equal(same.status, 304)
    assert.equal(edge.events.length, asked, 'the edge was asked once')
    assert.equal(edge.bytes.out, 0)
    assert.equal((await get(url)).headers['access-control-allow-origin'], undefined)

    const refused = await get(url.replace('thumb', 'large'))
    assert.deepEqual([refused.status, refused.headers['content-type']], [403, 'application/problem+json'])
    await edge.store.delete(key)
    const gone = await get(url, origin)
    assert.deepEqual([gone.status, gone.headers['content-type']], [404, 'application/problem+json'])
  })

  it('a thumbnail is not sent for longer than its URL lives, nor to another place', async () => {
    let time = Date.now()
    await using front = await start({ now: () => new Date(time) })
    const { edge, get } = front
    const key = 'renditions/0123456789abcdef0123456789abcdef/thumb.0a1b.webp'
    await edge.keep(key, randomBytes(30_000))
    const expires = Math.floor(time / 1000) + 3
    const url = await edge.getUrl({ key, type: 'image/webp', filename: null, expires })
    assert.equal((await get(url)).status, 200)
    time += 4_000
    await eventually(async () => (await get(url)).status === 410)

    const bound = { key, type: 'image/webp', filename: null, expires: expires + 600 }
    const here = await edge.getUrl({ ...bound, place: placeOf({ addresses: ['127.0.0.1'] }) })
    const elsewhere = await edge.getUrl({ ...bound, place: placeOf({ addresses: ['203.0.113.9'] }) })
    assert.equal((await get(here)).status, 200)
    const asked = edge.events.length
    assert.equal((await get(here)).status, 200)
    assert.ok(edge.events.length > asked, 'the edge was asked again')
    assert.equal((await get(elsewhere)).status, 403)
  })

  it('an object of a store elsewhere is sent by the edge at first, and by nginx from its cache', async () => {
    await using origin = await startTestOrigin()
    await using front = await start({ source: () => origin.openCache() }, origin.cacheFolder)
    const { edge, get } = front
    const bytes = randomBytes(90_000)
    await origin.keep('originals/one', bytes)
    const url = await edge.getUrl()
    const first = await get(url)
    await eventually(() => edge.bytes.out > 0)
    await origin.settled()
    const sent = edge.bytes.out
    const second = await get(url)
    assert.deepEqual([first.body, second.body], [bytes, bytes])
    assert.equal(edge.bytes.out, sent)
    assert.equal(second.headers.etag, first.headers.etag)
    assert.equal(second.headers['last-modified'], first.headers['last-modified'])
    await origin.purging.delete('originals/one')
    assert.equal((await get(url)).status, 404)
  })

  it('nobody outside reaches the files but by a URL that is right', async () => {
    await using front = await start()
    const { edge, nginx, get } = front
    await edge.keep('originals/one', randomBytes(100))
    const url = await edge.getUrl()
    const path = edge.store.localPath('originals/one') ?? ''
    assert.equal((await get(url.replace('inline', 'attachment'))).status, 403)
    for (const attempt of [
      `/_files${path}`,
      `/_files${edge.root}/objects/`,
      `/m/..%2f_files${path}`,
      `/%5ffiles${path}`,
      `//_files${path}`,
    ]) {
      const answer = await get(`${edge.base}${attempt}`, { 'x-accel-redirect': `/_files${path}` })
      assert.ok([400, 403, 404].includes(answer.status), `${attempt}: ${answer.status}`)
      assert.equal(answer.headers['content-type'] === 'image/jpeg', false)
    }
    const insecure = await fetch(`${nginx.insecureBase}/m/x?y`, { redirect: 'manual' })
    assert.deepEqual([insecure.status, insecure.headers.get('location')], [308, 'https://127.0.0.1/m/x?y'])
  })

  it('an upload of 20 MB passes as it comes, and the address of the client is known', async () => {
    await using front = await start()
    const { edge, session } = front
    const bytes = randomBytes(20_000_000)
    const url = await edge.putUrl({ size: bytes.length })
    const upload = session.request({
      ':method': 'PUT',
      ':path': url.replace(edge.base, ''),
      'content-length': String(bytes.length),
      'x-forwarded-for': '203.0.113.9',
    })
    const answered = once(upload, 'response') as Promise<[http2.IncomingHttpHeaders]>
    upload.write(bytes.subarray(0, 10_000_000))
    // On the edge's disk, while nginx waits for the other half.
    await eventually(async () => (await sizeOf(join(edge.root, 'tmp'))) > 5_000_000)
    upload.end(bytes.subarray(10_000_000))
    const [headers] = await answered
    assert.equal(headers[':status'], 200)
    upload.destroy()
    assert.equal((await edge.store.head('originals/one'))?.size, bytes.length)
    assert.deepEqual(edge.addresses, ['127.0.0.1'])
  })

  it('events are passed on one by one', async () => {
    await using front = await start({
      extend(app) {
        const policy = { access: 'public', why: 'A test' } as const
        app.get('/v1/events', { config: { policy } }, (_request, reply) => {
          reply.hijack().raw.writeHead(200, { 'content-type': 'text/event-stream' })
          reply.raw.write('data: one\n\n')
          app.addHook('preClose', async () => void reply.raw.end())
        })
      },
    })
    const { session } = front
    const stream = session.request({ ':path': '/v1/events' })
    // The answer never ends, so that it can only come as it is written.
    const [chunk] = (await once(stream, 'data')) as [Buffer]
    assert.equal(String(chunk), 'data: one\n\n')
    stream.destroy()
  })

  it('a flood is told to come back as a problem, and what happened is in the log, without signatures', async () => {
    await using front = await start({
      extend(app) {
        const policy = { access: 'public', why: 'A test' } as const
        app.get('/v1/quick', { config: { policy } }, async () => ({}))
      },
    })
    const { edge, nginx, get } = front
    await edge.keep('originals/one', randomBytes(100))
    const url = await edge.getUrl()
    await get(url)
    const answers: Answer[] = []
    // In turns of 100: nginx itself bounds the streams of a connection.
    for (let turn = 0; turn < 5; turn++) {
      answers.push(...(await Promise.all(Array.from({ length: 100 }, () => get(`${edge.base}/v1/quick`)))))
    }
    const refused = answers.find(({ status }) => status === 429)
    assert.ok(refused !== undefined && answers.filter(({ status }) => status === 200).length >= 200)
    assert.equal(refused.headers['content-type'], 'application/problem+json')
    assert.equal(refused.headers['retry-after'], '1')
    const problem = JSON.parse(refused.body.toString()) as { type: string; status: number }
    assert.deepEqual([problem.type, problem.status], ['/problems/too-many-requests', 429])

    const log = await nginx.log()
    const media = log.find(({ route }) => route === 'media')
    assert.partialDeepStrictEqual(media, {
      path: '/m/originals/one',
      status: 200,
      protocol: 'HTTP/2.0',
      tls: 'TLSv1.3',
    })
    assert.equal(typeof media?.request_time, 'number')
    assert.match(String(media?.upstream_response_time), /^\d+\.\d+$/)
    assert.ok(log.some(({ route, status }) => route === 'api' && status === 429))
    assert.equal(JSON.stringify(log).includes('sig='), false)
  })

  it('a server that is down is answered as one that will come back', async () => {
    await using front = await start()
    await front.edge[Symbol.asyncDispose]()
    const answer = await front.get(`${front.edge.base}/v1/anything`)
    assert.deepEqual([answer.status, answer.headers['retry-after']], [503, '2'])
    assert.equal(answer.headers['content-type'], 'application/problem+json')
  })
})

async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder)
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}
