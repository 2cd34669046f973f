import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import { describe, it } from 'node:test'
import { placeOf } from '@heliograph/signing'
import { startTestOrigin } from './cache/test-origin.ts'
import { storeSource } from './source.ts'
import { eventually, startTestEdge } from './test-edge.ts'

describe('an edge before a store elsewhere', () => {
  async function start() {
    const origin = await startTestOrigin()
    const edge = await startTestEdge({ source: () => origin.openCache() })
    return {
      origin,
      edge,
      async [Symbol.asyncDispose]() {
        await edge[Symbol.asyncDispose]()
        await origin[Symbol.asyncDispose]()
      },
    }
  }

  it('verifies before it looks into cache or store', async () => {
    await using both = await start()
    const { edge, origin } = both
    await origin.keep('originals/one', randomBytes(300_000))
    const url = await edge.getUrl()
    assert.equal((await (await fetch(url)).bytes()).length, 300_000)
    const seen = [origin.heads, origin.gets.length]
    for (const bad of [url.replace('inline', 'attachment'), `${url}x`, await edge.getUrl({ expires: 1 })]) {
      const response = await fetch(bad)
      assert.ok([403, 410].includes(response.status))
      await response.text()
    }
    assert.deepEqual([origin.heads, origin.gets.length], seen)
  })

  it('sends small and large files, ranges and 304, and says 404 at once when they are deleted', async () => {
    await using both = await start()
    const { edge, origin } = both
    for (const [key, size] of [
      ['renditions/small', 30_000],
      ['renditions/large', 350_000],
    ] as const) {
      const bytes = randomBytes(size)
      await origin.keep(key, bytes)
      const url = await edge.getUrl({ key })
      const whole = await fetch(url)
      assert.deepEqual(Buffer.from(await whole.bytes()), bytes)
      const range = await fetch(url, { headers: { range: 'bytes=5-20000,29000-29009' } })
      assert.equal(range.status, 206)
      assert.ok(Buffer.from(await range.bytes()).includes(bytes.subarray(5, 20_001)))
      const again = await fetch(url, { headers: { 'if-none-match': whole.headers.get('etag') ?? '' } })
      assert.deepEqual([again.status, await again.text()], [304, ''])
      await origin.purging.delete(key)
      const gone = await fetch(url)
      assert.deepEqual([gone.status, gone.headers.get('cache-control')], [404, 'no-store'])
      await gone.text()
    }
  })

  it('breaks the connection when the store dies midway, and ends the read of a client that stops', async () => {
    await using both = await start()
    const { edge, origin } = both
    await origin.keep('originals/one', randomBytes(90_000))
    origin.isHolding = true
    const failing = fetch(await edge.getUrl())
    await eventually(() => origin.held.length === 1)
    origin.held[0]?.send(10)
    const response = await failing
    origin.held[0]?.breakOff()
    await assert.rejects(response.bytes())

    const request = http.get(await edge.getUrl())
    request.on('error', () => undefined)
    await eventually(() => origin.held.length === 2)
    origin.held[1]?.send(10)
    const [answer] = (await once(request, 'response')) as [http.IncomingMessage]
    await once(answer, 'data')
    request.destroy()
    await eventually(() => origin.held[1]?.isEnded === true)
    await eventually(() => edge.events.length === 2)
    assert.deepEqual(
      edge.events.map((event) => event.errorClass),
      ['ObjectStoreError:unavailable', 'DownloadStopped'],
    )
  })
})

it('sends a small file from memory, and never one that was deleted', async () => {
  let opened = 0
  await using edge = await startTestEdge({
    source: (store) => {
      const source = storeSource(store)
      return {
        ...source,
        open: (...args) => {
          opened += 1
          return source.open(...args)
        },
      }
    },
  })
  const bytes = randomBytes(30_000)
  await edge.keep('originals/one', bytes)
  const url = await edge.getUrl()
  for (let turn = 0; turn < 3; turn++) assert.deepEqual(Buffer.from(await (await fetch(url)).bytes()), bytes)
  assert.equal(opened, 1)
  await edge.store.delete('originals/one')
  assert.equal((await fetch(url)).status, 404)
  const other = randomBytes(30_000)
  await edge.keep('originals/one', other)
  assert.deepEqual(Buffer.from(await (await fetch(url)).bytes()), other)
})

it('turns away who is one too many, and lets them in when there is room', async () => {
  await using edge = await startTestEdge({ maxReads: 1 })
  await edge.keep('originals/one', randomBytes(30_000_000))
  const url = await edge.getUrl()
  const first = http.get(url)
  const [response] = (await once(first, 'response')) as [http.IncomingMessage]
  const refused = await fetch(url)
  const { type } = (await refused.json()) as { type: string }
  assert.deepEqual([refused.status, type], [503, '/problems/unavailable'])
  assert.ok(Number(refused.headers.get('retry-after')) >= 1)
  response.destroy()
  await eventually(async () => {
    const next = await fetch(url, { headers: { range: 'bytes=0-0' } })
    await next.bytes()
    return next.status === 206
  })
  // An answer without a body gives its place back too.
  for (let turn = 0; turn < 2; turn++) {
    await eventually(async () => (await fetch(url, { headers: { 'if-none-match': '*' } })).status === 304)
  }
})

it('serves what is public under its one URL, with no signature and for everyone to keep', async () => {
  await using edge = await startTestEdge()
  const key = `public/${'0'.repeat(32)}.webp`
  await edge.keep(key, Buffer.from('a picture'))
  const response = await fetch(`${edge.base}/m/${key}`)
  assert.deepEqual([response.status, await response.text()], [200, 'a picture'])
  assert.equal(response.headers.get('content-type'), 'image/webp')
  assert.match(response.headers.get('cache-control') ?? '', /^public, max-age=\d+, immutable$/)
  await edge.keep('originals/one', Buffer.from('a secret'))
  for (const path of [`/m/${key}?x`, '/m/originals/one', '/m/public/../originals/one']) {
    assert.ok([403, 404].includes((await fetch(`${edge.base}${path}`)).status), path)
  }
})

it('serves all parts of a video under one signed prefix', async () => {
  await using edge = await startTestEdge()
  await edge.keep('renditions/one/hls/000.m4s', Buffer.from('a part'))
  await edge.keep('renditions/other/hls/000.m4s', Buffer.from('of another'))
  const expires = Math.floor(Date.now() / 1000) + 600
  const urlOf = await edge.signer.prefix(edge.base, { prefix: 'renditions/one/', expires })
  const url = urlOf('renditions/one/hls/000.m4s')
  assert.equal(await (await fetch(url)).text(), 'a part')
  assert.equal((await fetch(url.replace('/m/renditions/one/', '/m/renditions/other/'))).status, 403)
})

it('serves what is bound to a network or country there alone', async () => {
  const countryOf = (address: string) => (address === '203.0.113.7' ? 'KR' : undefined)
  await using edge = await startTestEdge({ trustProxy: true, countryOf })
  await edge.keep('originals/one', Buffer.from('bytes'))
  for (const place of [placeOf({ addresses: ['203.0.113.200'] }), placeOf({ country: 'KR' })]) {
    const url = await edge.getUrl({ place })
    const from = async (address: string) => (await fetch(url, { headers: { 'x-forwarded-for': address } })).status
    assert.deepEqual([await from('203.0.113.7'), await from('198.51.100.7')], [200, 403])
  }
})

describe('handing files to a proxy', () => {
  const forwarded = { 'x-forwarded-for': '203.0.113.7' }

  it('is done behind a proxy that is trusted, with what the grant says of the file', async () => {
    await using edge = await startTestEdge({ accelRedirect: '/_files/', trustProxy: true })
    await edge.keep('originals/one', randomBytes(10))
    const response = await fetch(await edge.getUrl(), { headers: forwarded })
    assert.equal(response.status, 200)
    assert.equal(await response.text(), '')
    assert.equal(response.headers.get('x-accel-redirect'), `/_files${edge.store.localPath('originals/one')}`)
    assert.equal(response.headers.get('content-type'), 'image/jpeg')
    assert.equal(response.headers.get('content-disposition'), 'inline; filename="one.jpg"')
    assert.match(response.headers.get('cache-control') ?? '', /^private, max-age=\d+, immutable$/)
    for (const url of [`${await edge.getUrl()}x`, await edge.getUrl({ key: 'originals/two' })]) {
      const refused = await fetch(url, { headers: forwarded })
      assert.ok(refused.status >= 400)
      assert.equal(refused.headers.get('x-accel-redirect'), null)
      await refused.text()
    }
  })

  it('is never done for a client that comes directly, whatever it claims', async () => {
    await using off = await startTestEdge({ trustProxy: true })
    await using untrusting = await startTestEdge({ accelRedirect: '/_files/' })
    await using direct = await startTestEdge({ accelRedirect: '/_files/', trustProxy: true })
    for (const [edge, headers] of [
      [off, forwarded],
      [untrusting, forwarded],
      [direct, { 'x-accel-redirect': '/_files/', 'x-accel-mapping': '/=/_files/' }],
    ] as const) {
      await edge.keep('originals/one', Buffer.from('bytes'))
      const response = await fetch(await edge.getUrl(), { headers })
      assert.equal(response.headers.get('x-accel-redirect'), null)
      assert.equal(await response.text(), 'bytes')
    }
  })

  it('keeps the entity tag the same, whoever sends the bytes', async () => {
    await using edge = await startTestEdge({ accelRedirect: '/_files/', trustProxy: true })
    await edge.keep('originals/one', randomBytes(1000))
    const url = await edge.getUrl()
    const tags = [await fetch(url, { headers: forwarded }), await fetch(url)].map(({ headers }) => headers.get('etag'))
    assert.match(tags[0] ?? '', /^"[0-9a-f]+-3e8"$/)
    assert.equal(tags[0], tags[1])
  })
})
