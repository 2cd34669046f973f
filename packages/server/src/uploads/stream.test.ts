import assert from 'node:assert/strict'
import http from 'node:http'
import { after, before, describe, test } from 'node:test'
import { jpeg, sha256 } from '../testing/photos.ts'
import { startTestServer, type TestAccount, type TestServer } from '../testing/server.ts'
import { storageOf } from '../testing/upload.ts'

describe('a file streamed in one call', () => {
  let server: TestServer
  let ann: TestAccount

  before(async () => {
    server = await startTestServer({ STORAGE_LIMIT: '40M' })
    ann = await server.register('ann')
  })
  after(() => server.close())

  /** Sends the body in chunks without a length, as `curl -T -` does; keeps sending until an answer comes. */
  function sendChunked(bytes: Buffer, path = '/v1/assets?filename=a.jpg') {
    return new Promise<{ status: number; body: Record<string, unknown> }>((resolve, reject) => {
      const request = http.request(`${server.address}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ann.token}`, 'content-type': 'image/jpeg' },
      })
      let isAnswered = false
      request
        .on('error', (error) => isAnswered || reject(error))
        .on('response', (response) => {
          isAnswered = true
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('end', () => {
            resolve({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString()) })
            request.destroy()
          })
        })
      const send = (offset: number) => {
        if (isAnswered) return
        if (offset >= bytes.length) request.end()
        else if (request.write(bytes.subarray(offset, offset + 65_536))) setImmediate(send, offset + 65_536)
        else request.once('drain', () => send(offset + 65_536))
      }
      send(0)
    })
  }

  test('without a length is reserved as it flows and settled exactly', async () => {
    const bytes = jpeg(20_000_000)
    const { status, body } = await sendChunked(bytes)
    assert.equal(status, 201)
    assert.equal((body.asset as { sha256: string }).sha256, sha256(bytes))
    assert.deepEqual(await storageOf(ann), { usedBytes: 20_000_000, reservedBytes: 0, limitBytes: 40 * 2 ** 20 })
  })

  test('without a length and beyond the quota is told so in the middle, and gives everything back', async () => {
    const before = await storageOf(ann)
    const { status, body } = await sendChunked(jpeg(60_000_000))
    assert.equal(status, 413)
    assert.equal(body.type, '/problems/quota-exceeded')
    assert.deepEqual(await storageOf(ann), before)
  })

  test('refused at its first byte, before the store listens, is answered and harms nobody else', async () => {
    const { usedBytes, limitBytes } = await storageOf(ann)
    const limitTo = (bytes: number) =>
      server.engines.pool.query('update storage_quota set limit_bytes = $1 where account_id = $2', [bytes, ann.id])
    await limitTo(usedBytes + 1000)
    const answers = await Promise.all(Array.from({ length: 20 }, () => sendChunked(jpeg(65_000))))
    await limitTo(limitBytes)
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([413]))
  })

  test('without a length fits into the last byte of the quota', async () => {
    const { usedBytes, limitBytes } = await storageOf(ann)
    const bytes = jpeg(limitBytes - usedBytes)
    const { status, body } = await sendChunked(bytes)
    assert.equal(status, 201)
    assert.equal((await storageOf(ann)).usedBytes, limitBytes)
    const { id } = body.asset as { id: string }
    assert.equal((await ann.call('DELETE', `/v1/assets/${id}?permanent=true`)).status, 204)
  })

  test('that breaks off leaves nothing', async () => {
    const before = await storageOf(ann)
    for (const headers of [{ 'content-length': '5000000' }, {}]) {
      await new Promise<void>((resolve) => {
        const request = http.request(`${server.address}/v1/assets?filename=a.jpg`, {
          method: 'POST',
          headers: { authorization: `Bearer ${ann.token}`, 'content-type': 'image/jpeg', ...headers },
        })
        request.on('error', () => resolve()).on('close', () => resolve())
        request.write(jpeg(1_000_000), () => setTimeout(() => request.destroy(), 100))
      })
    }
    const deadline = Date.now() + 5000
    while ((await storageOf(ann)).reservedBytes > 0 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    assert.deepEqual(await storageOf(ann), before)
    const { rows } = await server.engines.pool.query(
      `select count(*)::int as count from upload where protocol = 'stream' and state = 'aborted' and size is distinct from 60000000`,
    )
    assert.ok(rows[0].count >= 2)
  })

  test('of an account that holds it answers that asset and keeps one copy', async () => {
    const bytes = jpeg(5000)
    const headers = { 'content-type': 'image/jpeg' }
    const first = await ann.call('POST', '/v1/assets?filename=a.jpg', bytes, headers)
    const second = await ann.call('POST', '/v1/assets?filename=b.jpg', bytes, headers)
    assert.equal(first.status, 201)
    assert.equal(second.status, 200)
    assert.equal(second.body.asset.id, first.body.asset.id)
  })

  test('needs no type when its name or its bytes tell it', async () => {
    const byName = await ann.call('POST', '/v1/assets?filename=a.jpg', jpeg(700), {})
    assert.equal(byName.body.asset.contentType, 'image/jpeg')
    const byBytes = await ann.call('POST', '/v1/assets?filename=photo', jpeg(701), {
      'content-type': 'application/octet-stream',
    })
    assert.equal(byBytes.body.asset.contentType, 'image/jpeg')
    const unknown = await ann.call('POST', '/v1/assets?filename=x.jpg', Buffer.alloc(0), {
      'content-type': 'image/jpeg',
    })
    assert.equal(unknown.status, 422)
    assert.equal(unknown.body.type, '/problems/empty-file')
  })
})
