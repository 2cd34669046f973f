import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { unlink } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { startTestEdge, type TestEdge } from './test-edge.ts'

const key = 'renditions/0123456789abcdef0123456789abcdef/thumb.webp'
const thumb = randomBytes(30_000)

/** A URL that was answered once already. */
async function learned(edge: TestEdge, change = {}): Promise<string> {
  await edge.keep(key, thumb)
  const url = await edge.getUrl({ key, type: 'image/webp', filename: null, ...change })
  assert.equal((await fetch(url)).status, 200)
  return url
}

/** All headers but the time. */
function headersOf(response: Response): Record<string, string> {
  const { date: _, ...headers } = Object.fromEntries(response.headers)
  return headers
}

describe('what was answered a moment ago', () => {
  it('is answered alike and at once the next time', async () => {
    await using edge = await startTestEdge()
    await edge.keep(key, thumb)
    const url = await edge.getUrl({ key, type: 'image/webp', filename: null })
    const first = await fetch(url)
    const firstBytes = Buffer.from(await first.arrayBuffer())
    assert.equal(edge.answers.length, 0)

    const second = await fetch(url)
    assert.deepEqual(Buffer.from(await second.arrayBuffer()), firstBytes)
    assert.deepEqual(firstBytes, thumb)
    assert.deepEqual(headersOf(second), headersOf(first))
    assert.deepEqual(edge.answers, [{ method: 'GET', route: '/m/*', status: 200 }])
  })

  it('is gone with its file', async () => {
    await using edge = await startTestEdge()
    const url = await learned(edge)
    await edge.store.delete(key)
    assert.equal((await fetch(url)).status, 404)
  })

  it('is not taken for another file under the same key', async () => {
    await using edge = await startTestEdge()
    const url = await learned(edge)
    await unlink(edge.store.localPath(key) ?? '')
    const other = randomBytes(20_000)
    await edge.keep(key, other)
    assert.deepEqual(Buffer.from(await (await fetch(url)).arrayBuffer()), other)
  })

  it('ends with its URL', async () => {
    let time = Date.now()
    await using edge = await startTestEdge({ now: () => new Date(time) })
    const url = await learned(edge)
    time += 60_000
    const later = await fetch(url)
    assert.match(later.headers.get('cache-control') ?? '', /^private, max-age=(539|540), immutable$/)
    time += 600_000
    assert.equal((await fetch(url)).status, 410)
    assert.equal(edge.answers.length, 1)
  })

  it('says nothing of a URL that is another one by a single sign', async () => {
    await using edge = await startTestEdge()
    const url = await learned(edge)
    assert.equal((await fetch(`${url}&x=1`)).status, 403)
    assert.equal((await fetch(url.replace('webp?', 'webq?'))).status, 403)
  })

  it('still answers ranges, conditions, HEAD and pages of other origins as they ask', async () => {
    await using edge = await startTestEdge()
    const url = await learned(edge)
    const etag = (await fetch(url)).headers.get('etag') ?? ''
    const range = await fetch(url, { headers: { range: 'bytes=10-19' } })
    assert.equal(range.status, 206)
    assert.deepEqual(Buffer.from(await range.arrayBuffer()), thumb.subarray(10, 20))
    assert.equal((await fetch(url, { headers: { 'if-none-match': etag } })).status, 304)
    assert.equal((await fetch(url, { headers: { 'if-match': '"other"' } })).status, 412)
    const head = await fetch(url, { method: 'HEAD' })
    assert.equal(head.headers.get('content-length'), '30000')
    assert.equal((await head.arrayBuffer()).byteLength, 0)
    const page = await fetch(url, { headers: { origin: 'https://photos.example' } })
    assert.equal(page.headers.get('access-control-allow-origin'), 'https://photos.example')
    assert.equal(edge.answers.length, 1)
  })

  it('is never an original: that one was taken is history', async () => {
    await using edge = await startTestEdge()
    await edge.keep('originals/one', thumb)
    const url = await edge.getUrl()
    for (let time = 0; time < 3; time += 1) await (await fetch(url)).arrayBuffer()
    assert.equal(edge.answers.length, 0)
    assert.equal(edge.events.filter(({ action }) => action === 'asset.download').length, 3)
  })

  it('goes to a proxy as a header alone, and to nobody else', async () => {
    await using edge = await startTestEdge({ trustProxy: '127.0.0.1', accelRedirect: '/_files' })
    await edge.keep(key, thumb)
    const url = await edge.getUrl({ key, type: 'image/webp', filename: null })
    const proxied = () => fetch(url, { headers: { 'x-forwarded-for': '203.0.113.9' } })
    const first = await proxied()
    const second = await proxied()
    assert.equal(edge.answers.length, 1)
    assert.ok(second.headers.get('x-accel-redirect')?.startsWith('/_files/'))
    assert.deepEqual(headersOf(second), headersOf(first))
    assert.equal((await second.arrayBuffer()).byteLength, 0)

    const direct = await fetch(url)
    assert.equal(direct.headers.get('x-accel-redirect'), null)
    assert.deepEqual(Buffer.from(await direct.arrayBuffer()), thumb)
  })
})
