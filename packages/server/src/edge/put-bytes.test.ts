import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { ReadableStream } from 'node:stream/web'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ObjectStore, ObjectStoreError } from '../engines/object-store/index.ts'
import { eventually, startTestEdge, type TestEdge } from './test-edge.ts'

const hello = Buffer.from('hello')
const put = (url: string, body: BodyInit | null, headers: Record<string, string> = {}) =>
  fetch(url, { method: 'PUT', body, headers, duplex: 'half' } as RequestInit)

async function assertProblem(response: Response, status: number, code: string): Promise<void> {
  const { type } = (await response.json()) as { type: string }
  assert.deepEqual({ status: response.status, type }, { status, type: `/problems/${code}` })
  assert.equal(response.headers.get('cache-control'), 'no-store')
}

async function readBack(edge: TestEdge, key: string): Promise<Buffer> {
  const { body } = await edge.store.get(key)
  return Buffer.concat(await body.toArray())
}

const chunked = (...chunks: Uint8Array[]) => ReadableStream.from(chunks) as unknown as BodyInit

describe('PUT /u', () => {
  it('stores an object and answers its ETag', async () => {
    await using edge = await startTestEdge()
    const bytes = randomBytes(3_000_000)
    const response = await put(await edge.putUrl({ size: bytes.length }), bytes)
    assert.equal(response.status, 200)
    assert.equal(response.headers.get('etag'), (await edge.store.head('originals/one'))?.etag)
    assert.deepEqual(await readBack(edge, 'originals/one'), bytes)
    assert.equal(edge.bytes.in, bytes.length)
    assert.partialDeepStrictEqual(edge.events, [
      { action: 'upload.part', objectKey: 'originals/one', size: bytes.length, contentType: 'image/jpeg' },
    ])
  })

  it('takes JSON, text, forms and no type at all as they come', async () => {
    await using edge = await startTestEdge()
    const types = ['application/json', 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']
    for (const [index, type] of types.entries()) {
      const response = await put(await edge.putUrl({ key: `originals/${index}` }), hello, { 'content-type': type })
      assert.equal(response.status, 200, type)
      assert.deepEqual(await readBack(edge, `originals/${index}`), hello)
    }
    assert.equal((await put(await edge.putUrl(), hello)).status, 200)
    assert.equal((await put(await edge.putUrl({ key: 'originals/empty', size: 0 }), null)).status, 200)
  })

  it('stores the parts of a multipart, in any order and again', async () => {
    await using edge = await startTestEdge()
    const upload = await edge.store.createMultipart('originals/one', { contentType: 'video/mp4' })
    const partUrl = (part: number) => edge.putUrl({ upload, part })
    for (const part of [2, 1, 2]) assert.equal((await put(await partUrl(part), Buffer.from(`part${part}`))).status, 200)
    const parts = await edge.store.listParts('originals/one', upload)
    await edge.store.completeMultipart('originals/one', upload, parts)
    assert.equal((await readBack(edge, 'originals/one')).toString(), 'part1part2')
    await assertProblem(await put(await partUrl(1), Buffer.from('PART1')), 409, 'upload-closed')
    assert.equal((await readBack(edge, 'originals/one')).toString(), 'part1part2')
  })

  it('says that an object is already stored, and keeps it', async () => {
    await using edge = await startTestEdge()
    const url = await edge.putUrl()
    assert.equal((await put(url, hello)).status, 200)
    await assertProblem(await put(url, Buffer.from('HELLO')), 412, 'already-stored')
    assert.deepEqual(await readBack(edge, 'originals/one'), hello)
  })

  it('lets exactly one of many puts of one key through', async () => {
    await using edge = await startTestEdge()
    const url = await edge.putUrl({ size: 100_000 })
    const bodies = Array.from({ length: 10 }, (_, index) => Buffer.alloc(100_000, index))
    const statuses = await Promise.all(bodies.map(async (body) => (await put(url, body)).status))
    assert.deepEqual(
      statuses.toSorted((a, b) => a - b),
      [200, ...Array(9).fill(412)],
    )
    assert.deepEqual(await readBack(edge, 'originals/one'), bodies[statuses.indexOf(200)])
  })

  it('refuses forged and expired URLs, without reading what comes with them', async () => {
    await using edge = await startTestEdge()
    const url = await edge.putUrl()
    await assertProblem(await put(url.replace('/one', '/two'), hello), 403, 'invalid-signature')
    await assertProblem(await put(url.replace('size=5', 'size=6'), hello), 403, 'invalid-signature')
    await assertProblem(await put(`${url}&x=1`, hello), 403, 'invalid-signature')
    await assertProblem(await put(await edge.putUrl({ expires: 1 }), hello), 410, 'link-expired')
    await assertProblem(
      await put(await edge.getUrl().then((u) => u.replace('/m/', '/u/')), hello),
      403,
      'invalid-signature',
    )
    assert.deepEqual(await edge.files(), [])
    assert.equal(edge.bytes.in, 0)
  })

  describe('holds the client to the size', () => {
    it('that is declared', async () => {
      await using edge = await startTestEdge()
      await assertProblem(await put(await edge.putUrl(), 'hell'), 422, 'size-mismatch')
      await assertProblem(await put(await edge.putUrl(), 'hello!'), 422, 'size-mismatch')
      await assertProblem(await put(await edge.putUrl(), null), 422, 'size-mismatch')
      await assertProblem(await put(await edge.putUrl({ size: null, maxSize: 4 }), hello), 413, 'file-too-large')
      assert.deepEqual(await edge.files(), [])
    })

    it('that is not declared, as it arrives', async () => {
      await using edge = await startTestEdge()
      await assertProblem(await put(await edge.putUrl(), chunked(Buffer.from('hell'))), 422, 'size-mismatch')
      await assertProblem(await put(await edge.putUrl(), chunked(hello, hello)), 422, 'size-mismatch')
      const bounded = await edge.putUrl({ size: null, maxSize: 4 })
      await assertProblem(await put(bounded, chunked(hello)), 413, 'file-too-large')
      assert.deepEqual(await edge.files(), [])
      assert.equal((await put(await edge.putUrl(), chunked(hello))).status, 200)
      assert.deepEqual(await readBack(edge, 'originals/one'), hello)
    })
  })

  describe('holds the bytes to their checksum', () => {
    const sha256 = createHash('sha256').update(hello).digest('base64')
    const md5 = createHash('md5').update(hello).digest('base64')
    const right = [
      { 'content-digest': `sha-256=:${sha256}:` },
      { 'content-digest': `sha-512=:AAAA:, sha-256=:${sha256}:` },
      { 'content-digest': 'unixsum=:AAAA:' },
      { 'content-md5': md5 },
    ]
    for (const headers of right) {
      it(`and takes ${JSON.stringify(headers)}`, async () => {
        await using edge = await startTestEdge()
        assert.equal((await put(await edge.putUrl(), hello, headers as Record<string, string>)).status, 200)
      })
    }

    it('and leaves nothing of other bytes', async () => {
      await using edge = await startTestEdge()
      const other = Buffer.from('hellO')
      const headers = { 'content-digest': `sha-256=:${sha256}:` }
      await assertProblem(await put(await edge.putUrl(), other, headers), 422, 'checksum-mismatch')
      await assertProblem(await put(await edge.putUrl(), other, { 'content-md5': md5 }), 422, 'checksum-mismatch')
      assert.deepEqual(await edge.files(), [])
      assert.equal((await put(await edge.putUrl(), hello, headers)).status, 200)
    })

    it('and refuses one that is malformed', async () => {
      await using edge = await startTestEdge()
      for (const headers of [
        { 'content-digest': 'sha-256=abc' },
        { 'content-digest': 'sha-256=:AAAA:' },
        { 'content-digest': `sha-256=:${sha256}` },
        { 'content-md5': 'nonsense' },
      ]) {
        await assertProblem(
          await put(await edge.putUrl(), hello, headers as Record<string, string>),
          400,
          'invalid-request',
        )
      }
    })
  })

  it('leaves nothing of a client that goes away', async () => {
    await using edge = await startTestEdge()
    const request = http.request(await edge.putUrl({ size: 1_000_000 }), {
      method: 'PUT',
      headers: { 'content-length': 1_000_000 },
    })
    request.on('error', () => undefined)
    request.write(Buffer.alloc(300_000))
    await eventually(async () => (await edge.files()).length === 1)
    request.destroy()
    await eventually(async () => (await edge.files()).length === 0 && edge.events.length === 1)
    assert.partialDeepStrictEqual(edge.events, [{ errorClass: 'ClientGone' }])
    assert.equal((await put(await edge.putUrl(), hello)).status, 200)
  })

  it('closes the connection of a client that falls silent', async () => {
    await using edge = await startTestEdge({ idleSeconds: 0.1 })
    const request = http.request(await edge.putUrl({ size: 1000 }), {
      method: 'PUT',
      headers: { 'content-length': 1000 },
    })
    request.write('a few')
    await assert.rejects(once(request, 'response'), /socket hang up|ECONNRESET/)
    await eventually(async () => (await edge.files()).length === 0 && edge.events.length === 1)
  })

  it('waits for a store that is slower than the silence a client is allowed', async () => {
    const slow = (store: ObjectStore) => ({
      ...store,
      put: async (...args: Parameters<ObjectStore['put']>) => {
        await sleep(700)
        const stored = await store.put(...args)
        await sleep(700)
        return stored
      },
    })
    await using edge = await startTestEdge({ idleSeconds: 0.5, faulty: slow })
    const bytes = randomBytes(2_000_000)
    assert.equal((await put(await edge.putUrl({ size: bytes.length }), bytes)).status, 200)
  })

  describe('when the store fails in the middle', () => {
    const failing = (code: 'full' | 'unavailable') => (store: ObjectStore) => ({
      ...store,
      async put(...[, body]: Parameters<ObjectStore['put']>): Promise<never> {
        await once(body, 'data')
        body.pause()
        throw new ObjectStoreError(code, 'made up')
      },
    })

    it('says 507 when it is full, to a client that still sends', async () => {
      await using edge = await startTestEdge({ faulty: failing('full') })
      const response = await put(await edge.putUrl({ size: 50_000_000 }), Buffer.alloc(50_000_000))
      await assertProblem(response, 507, 'storage-full')
    })

    it('says 503 and when to come back', async () => {
      await using edge = await startTestEdge({ faulty: failing('unavailable') })
      const response = await put(await edge.putUrl({ size: 50_000_000 }), Buffer.alloc(50_000_000))
      assert.ok(Number(response.headers.get('retry-after')) > 0)
      await assertProblem(response, 503, 'unavailable')
    })
  })

  it('turns away who is one too many, unread, and lets them in when there is room', async () => {
    await using edge = await startTestEdge({ maxStreams: 1 })
    const first = http.request(await edge.putUrl({ key: 'originals/first' }), {
      method: 'PUT',
      headers: { 'content-length': 5 },
    })
    first.write('hel')
    await eventually(async () => (await edge.files()).length === 1)

    const refused = await put(await edge.putUrl({ size: 50_000_000 }), Buffer.alloc(50_000_000))
    assert.ok(Number(refused.headers.get('retry-after')) > 0)
    assert.equal(refused.headers.get('connection'), 'close')
    await assertProblem(refused, 503, 'unavailable')
    assert.equal((await edge.files()).length, 1)

    first.end('lo')
    const [response] = (await once(first, 'response')) as [http.IncomingMessage]
    assert.equal(response.statusCode, 200)
    response.resume()
    assert.equal((await put(await edge.putUrl(), hello)).status, 200)
  })

  it('cuts off a client that goes on sending after it was refused', async () => {
    await using edge = await startTestEdge()
    const { hostname, port, pathname } = new URL(await edge.putUrl())
    const socket = net.connect(Number(port), hostname)
    let answer = ''
    socket.setEncoding('latin1').on('data', (text: string) => {
      answer += text
    })
    socket.on('error', () => undefined)
    socket.write(`PUT ${pathname} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n`)
    const sender = setInterval(() => socket.write(Buffer.alloc(64 * 1024)), 1)
    await once(socket, 'close')
    clearInterval(sender)
    assert.match(answer, /^HTTP\/1\.1 403 [\s\S]*invalid-signature/)
    assert.ok(socket.bytesWritten < 100_000_000)
  })

  it('serves the next request on the connection of one that was refused and wholly read', async () => {
    await using edge = await startTestEdge()
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    for (const size of [6, 5]) {
      const request = http.request(await edge.putUrl({ size: 5 }), {
        method: 'PUT',
        agent,
        headers: { 'content-length': size },
      })
      request.end(Buffer.alloc(size))
      const [response] = (await once(request, 'response')) as [http.IncomingMessage]
      assert.equal(response.statusCode, size === 5 ? 200 : 422)
      await response.toArray()
    }
    agent.destroy()
  })
})
