import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { Readable } from 'node:stream'
import { after, before, beforeEach, describe, it } from 'node:test'
import {
  createKeyRing,
  createSigner,
  type DeliveryGrant,
  generateKeySet,
  type KeyRing,
  placeOf,
  publicJwks,
  type Signer,
} from '@heliograph/signing'
import { createS3Store } from '../../../packages/server/src/engines/object-store/s3-store.ts'
import {
  type CacheService,
  etagOf,
  type Objects,
  type Service,
  start,
  startCache,
  startR2,
  startS3,
  uploaded,
} from './testing/cloudflare.ts'
import { startWorkerd, type Workerd } from './testing/workerd.ts'

const original = randomBytes(100_000)
const segment = randomBytes(5_000)
const avatarKey = 'public/0123456789abcdef0123456789abcdef.webp'
const objects: Objects = new Map([
  ['tenant/originals/0f3c', original],
  ['tenant/hls/42/0.m4s', segment],
  ['tenant/hls/43/0.m4s', segment],
  [`tenant/${avatarKey}`, segment],
])
const expires = Math.floor(Date.now() / 1000) + 3600

let ring: KeyRing
let jwks: { keys: object[] }
let signer: Signer
let server: Service
let cache: CacheService
let r2: Service
let worker: Workerd

before(async () => {
  ring = await createKeyRing(await generateKeySet())
  jwks = publicJwks(ring)
  signer = createSigner(ring, 'Ed25519')
  server = await start((_request, response) => response.end(JSON.stringify(jwks)))
  cache = await startCache()
  r2 = await startR2(objects)
  worker = await startWorkerd({
    environment: {
      JWKS_URL: `http://${server.address}/.well-known/jwks.json`,
      KEY_PREFIX: 'tenant/',
      ALLOWED_ORIGINS: 'https://photos.example, https://app.example',
    },
    r2: r2.address,
    cache: cache.address,
  })
})

after(async () => {
  await worker?.stop()
  for (const service of [server, cache, r2]) await service?.close()
})

beforeEach(() => {
  cache.kept.clear()
  cache.asked.length = 0
  r2.asked.length = 0
})

const urlOf = (change: Partial<DeliveryGrant> = {}, by: Signer = signer) =>
  by.delivery(worker.url, {
    key: 'originals/0f3c',
    type: 'image/jpeg',
    disposition: 'inline',
    filename: 'Été.jpg',
    expires,
    ...change,
  })

const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer())

async function assertRefused(response: Response, status: number, type: string): Promise<void> {
  assert.equal(response.status, status)
  assert.equal(response.headers.get('content-type'), 'application/problem+json')
  assert.equal(response.headers.get('cache-control'), 'no-store')
  const problem = (await response.json()) as {
    type: string
    status: number
    title: string
    detail: string
    instance: string
  }
  assert.deepEqual([problem.type, problem.status], [`/problems/${type}`, status])
  for (const text of [problem.title, problem.detail, problem.instance]) assert.ok(text.length > 0)
}

describe('the Worker', () => {
  it('gives a file as its grant says', async () => {
    const response = await fetch(await urlOf())
    assert.equal(response.status, 200)
    assert.deepEqual(await bytesOf(response), original)
    const headers = Object.fromEntries(response.headers)
    assert.match(headers['cache-control'] ?? '', /^private, max-age=35\d\d, immutable$/)
    assert.deepEqual(
      ['content-type', 'content-disposition', 'content-length', 'etag', 'last-modified', 'accept-ranges', 'vary'].map(
        (name) => headers[name],
      ),
      [
        'image/jpeg',
        `inline; filename="_t_.jpg"; filename*=UTF-8''%C3%89t%C3%A9.jpg`,
        '100000',
        `"${etagOf(original)}"`,
        uploaded.toUTCString(),
        'bytes',
        'Origin',
      ],
    )
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['content-security-policy'], 'sandbox')
    await keptBy(cache, `${worker.url}/m/originals/0f3c`)
  })

  it('never shows what could run script', async () => {
    const response = await fetch(await urlOf({ type: 'image/svg+xml', filename: 'a.svg' }))
    assert.equal(response.headers.get('content-disposition'), 'attachment; filename="a.svg"')
    await bytesOf(response)
    // The Worker keeps it after it has answered, which must not be taken for a part of the next test.
    await keptBy(cache, `${worker.url}/m/originals/0f3c`)
  })

  it('refuses what was tampered with, and looks for nothing', async () => {
    const url = await urlOf()
    const kid = new URL(url).searchParams.get('kid') ?? ''
    for (const edited of [
      url.replace('0f3c', '0f3d'),
      url.replace('image%2Fjpeg', 'text%2Fhtml'),
      url.replace('inline', 'attachment'),
      url.replace(/expires=\d/, 'expires=9'),
      url.replace(kid, '__proto__'),
      url.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
      url.replace('/originals/', '/%6friginals/'),
      url.replace('/originals/', '//originals/'),
      `${url}&a=b`,
      url.split('?')[0] ?? '',
      `${url.split('?')[0]}?sig=`,
    ]) {
      assert.notEqual(edited, url)
      await assertRefused(await fetch(edited), 403, 'invalid-signature')
    }
    assert.deepEqual([...cache.asked, ...r2.asked], [])
  })

  it('refuses what has expired, also when it has the file at hand', async () => {
    await bytesOf(await fetch(await urlOf()))
    await keptBy(cache, `${worker.url}/m/originals/0f3c`)
    cache.asked.length = 0
    await assertRefused(await fetch(await urlOf({ expires: 1_700_000_000 })), 410, 'link-expired')
    assert.deepEqual(cache.asked, [])
  })

  it('keeps a file once for all its URLs, under its address without a signature', async () => {
    assert.deepEqual(await bytesOf(await fetch(await urlOf())), original)
    await keptBy(cache, `${worker.url}/m/originals/0f3c`)
    r2.asked.length = 0
    const other = await fetch(await urlOf({ disposition: 'attachment', filename: null }))
    assert.deepEqual(await bytesOf(other), original)
    assert.equal(other.headers.get('content-disposition'), 'attachment')
    assert.match(other.headers.get('cache-control') ?? '', /^private/)
    const part = await fetch(await urlOf(), { headers: { range: 'bytes=99990-' } })
    assert.deepEqual(await bytesOf(part), original.subarray(99_990))
    assert.deepEqual(r2.asked, [])
    assert.ok(cache.asked.every((line) => !line.includes('sig=')))
  })

  it('gives ranges, of the first bytes, the last, and none', async () => {
    for (const [range, start, end] of [
      ['bytes=0-9', 0, 9],
      ['bytes=99990-', 99_990, 99_999],
      ['bytes=-10', 99_990, 99_999],
      ['bytes=10-200000', 10, 99_999],
    ] as const) {
      const response = await fetch(await urlOf(), { headers: { range } })
      assert.equal(response.status, 206)
      assert.equal(response.headers.get('content-range'), `bytes ${start}-${end}/100000`)
      assert.equal(response.headers.get('content-length'), String(end - start + 1))
      assert.deepEqual(await bytesOf(response), original.subarray(start, end + 1))
    }
    const outside = await fetch(await urlOf(), { headers: { range: 'bytes=100000-' } })
    assert.equal(outside.headers.get('content-range'), 'bytes */100000')
    await assertRefused(outside, 416, 'range-not-satisfiable')
    const changed = await fetch(await urlOf(), { headers: { range: 'bytes=0-9', 'if-range': '"other"' } })
    assert.equal(changed.status, 200)
    assert.deepEqual(await bytesOf(changed), original)
  })

  it('answers conditions and HEAD without reading the file', async () => {
    const etag = `"${etagOf(original)}"`
    const unchanged = await fetch(await urlOf(), { headers: { 'if-none-match': etag } })
    assert.deepEqual([unchanged.status, unchanged.headers.get('etag')], [304, etag])
    assert.equal((await fetch(await urlOf(), { headers: { 'if-modified-since': uploaded.toUTCString() } })).status, 304)
    await assertRefused(await fetch(await urlOf(), { headers: { 'if-match': '"other"' } }), 412, 'precondition-failed')
    const head = await fetch(await urlOf(), { method: 'HEAD', headers: { range: 'bytes=0-9' } })
    assert.deepEqual([head.status, head.headers.get('content-length')], [200, '100000'])
    assert.ok(r2.asked.every((line) => line.startsWith('head ')))
  })

  it('opens everything under a signed prefix, and nothing beside it', async () => {
    const under = await signer.prefix(worker.url, { prefix: 'hls/42/', expires })
    const response = await fetch(under('hls/42/0.m4s'))
    assert.equal(response.headers.get('content-type'), 'video/mp4')
    assert.deepEqual(await bytesOf(response), segment)
    await assertRefused(await fetch(under('hls/42/1.m4s')), 404, 'not-found')
    await assertRefused(
      await fetch(under('hls/42/0.m4s').replace('/m/hls/42/', '/m/hls/43/')),
      403,
      'invalid-signature',
    )
    // Sent as it is, where `fetch` would resolve the dots.
    for (const path of ['/m/hls/42/../43/0.m4s', '/m/hls/42/%2e%2e/43/0.m4s', '/m/hls/42/..%2f43/0.m4s']) {
      const { search } = new URL(under('hls/42/0.m4s'))
      assert.equal(await statusOf(`${worker.url}`, path + search), 403, path)
    }
  })

  it('opens a bound grant only where Cloudflare says the visitor is', async () => {
    const from = (country: string) => ({ headers: { 'cf-blob': JSON.stringify({ country }) } })
    const url = await urlOf({ place: placeOf({ country: 'KR' }) })
    const response = await fetch(url, from('KR'))
    assert.equal(response.status, 200)
    assert.deepEqual(await bytesOf(response), original)
    await assertRefused(await fetch(url, from('JP')), 403, 'invalid-signature')
    await assertRefused(await fetch(url), 403, 'invalid-signature')
    await assertRefused(await fetch(url, { headers: { 'cf-ipcountry': 'KR' } }), 403, 'invalid-signature')

    const home = await urlOf({ place: placeOf({ addresses: ['203.0.113.9', '2001:db8::1'] }) })
    const at = (address: string) => fetch(home, { headers: { 'cf-connecting-ip': address } })
    assert.deepEqual(await bytesOf(await at('203.0.113.77')), original)
    assert.deepEqual(await bytesOf(await at('2001:db8::2')), original)
    await assertRefused(await at('198.51.100.1'), 403, 'invalid-signature')
  })

  it('gives public objects without a signature, to be kept for ever', async () => {
    const response = await fetch(`${worker.url}/m/${avatarKey}`)
    assert.deepEqual(await bytesOf(response), segment)
    assert.equal(response.headers.get('content-type'), 'image/webp')
    assert.equal(response.headers.get('cache-control'), 'public, max-age=31536000, immutable')
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
    await assertRefused(await fetch(`${worker.url}/m/${avatarKey}?a=b`), 403, 'invalid-signature')
    await assertRefused(await fetch(`${worker.url}/m/${avatarKey.replace('webp', 'html')}`), 403, 'invalid-signature')
  })

  it('lets pages of known origins read, and no others', async () => {
    const ask = async (origin: string, method = 'GET') => {
      const response = await fetch(await urlOf(), { method, headers: { origin } })
      await response.body?.cancel()
      return response.headers
    }
    const headers = await ask('https://app.example')
    assert.equal(headers.get('access-control-allow-origin'), 'https://app.example')
    assert.match(headers.get('access-control-expose-headers') ?? '', /Content-Range/)
    assert.equal((await ask('https://evil.example')).get('access-control-allow-origin'), null)
    assert.match((await ask('https://app.example', 'OPTIONS')).get('access-control-allow-headers') ?? '', /Range/)
    await assertRefused(await fetch(await urlOf(), { method: 'POST' }), 405, 'method-not-allowed')
    await assertRefused(await fetch(`${worker.url}/elsewhere`), 404, 'not-found')
  })
})

describe('the keys of the Worker', () => {
  it('are read again for a key that is not known, and a revoked one is refused when they have been', async (t) => {
    const [before, fresh] = await Promise.all(
      [generateKeySet(), generateKeySet()].map(async (set) => createKeyRing(await set)),
    )
    assert.ok(before !== undefined && fresh !== undefined)
    let published = publicJwks(before)
    let looks = 0
    const source = await start((_request, response) => {
      looks += 1
      response.end(JSON.stringify(published))
    })
    const other = await startWorkerd({
      environment: { JWKS_URL: `http://${source.address}/`, KEY_PREFIX: 'tenant/' },
      r2: r2.address,
      cache: cache.address,
    })
    t.after(async () => {
      await other.stop()
      await source.close()
    })
    const here = async (by: KeyRing) => (await urlOf({}, createSigner(by, 'Ed25519'))).replace(worker.url, other.url)
    const old = await here(before)
    assert.deepEqual(await bytesOf(await fetch(old)), original)
    published = publicJwks(fresh)
    // Asked for a key it has not, the Worker looks again, 5 s after its last look at the earliest.
    const fromFresh = await here(fresh)
    const deadline = Date.now() + 15_000
    let status = 403
    while (status === 403 && Date.now() < deadline) {
      const response = await fetch(fromFresh)
      status = response.status
      await response.body?.cancel()
      if (status === 403) await new Promise((resolve) => setTimeout(resolve, 200))
    }
    assert.equal(status, 200)
    await assertRefused(await fetch(old), 403, 'invalid-signature')
    assert.ok(looks <= 4, `${looks} looks`)
  })

  it('can be a secret shared with the server, or be missing, which is said as such', async (t) => {
    const keySet = await generateKeySet()
    const s3 = await startS3(objects)
    const environment = {
      ORIGIN_URL: `http://${s3.address}/bucket`,
      ORIGIN_ACCESS_KEY_ID: 'key',
      ORIGIN_SECRET_ACCESS_KEY: 'secret',
      KEY_PREFIX: 'tenant/',
    }
    const [shared, lost] = await Promise.all([
      startWorkerd({ environment: { ...environment, SIGNING_KEYS: JSON.stringify(keySet) }, cache: cache.address }),
      startWorkerd({ environment: { ...environment, JWKS_URL: 'http://127.0.0.1:9/' }, cache: cache.address }),
    ])
    t.after(async () => {
      await Promise.all([shared.stop(), lost.stop()])
      await s3.close()
    })
    const byHmac = createSigner(await createKeyRing(keySet), 'HMAC')
    const at = async (other: Workerd, change: Partial<DeliveryGrant> = {}) =>
      (await urlOf(change, byHmac)).replace(worker.url, other.url)

    // From a bucket that speaks S3.
    const part = await fetch(await at(shared), { headers: { range: 'bytes=5-9' } })
    assert.deepEqual(await bytesOf(part), original.subarray(5, 10))
    assert.deepEqual(s3.asked, ['HEAD /bucket/tenant/originals/0f3c', 'GET /bucket/tenant/originals/0f3c bytes=5-9'])
    assert.deepEqual(await bytesOf(await fetch(await at(shared))), original)
    await assertRefused(await fetch(await at(shared, { key: 'originals/gone' })), 404, 'not-found')
    await assertRefused(
      await fetch(await urlOf({}, signer).then((url) => url.replace(worker.url, shared.url))),
      403,
      'invalid-signature',
    )

    const response = await fetch(await at(lost))
    assert.equal(response.headers.get('retry-after'), '5')
    await assertRefused(response, 503, 'unavailable')
  })
})

const s3Url = process.env.HELIOGRAPH_TEST_S3_URL

describe('the Worker before a real S3', {
  skip: s3Url === undefined && 'needs an S3: `npm run test:s3` starts one',
}, () => {
  it('reads with a signature that S3 takes', async (t) => {
    const url = new URL(s3Url ?? 's3://nowhere')
    url.searchParams.set('prefix', `test-${randomBytes(6).toString('hex')}`)
    const store = createS3Store({ url: url.href })
    const reader = await startWorkerd({
      environment: {
        JWKS_URL: `http://${server.address}/`,
        ORIGIN_URL: `${url.searchParams.get('endpoint')}/${url.hostname}`,
        ORIGIN_ACCESS_KEY_ID: decodeURIComponent(url.username),
        ORIGIN_SECRET_ACCESS_KEY: decodeURIComponent(url.password),
        ORIGIN_REGION: url.searchParams.get('region') ?? 'us-east-1',
        KEY_PREFIX: `${url.searchParams.get('prefix')}/`,
      },
      cache: cache.address,
    })
    t.after(async () => {
      await store.delete('originals/0f3c')
      await store.close()
      await reader.stop()
    })
    await store.put('originals/0f3c', Readable.from([original]), { contentType: 'image/jpeg' })
    const signed = (await urlOf()).replace(worker.url, reader.url)
    assert.deepEqual(await bytesOf(await fetch(signed)), original)
    const part = await fetch(signed, { headers: { range: 'bytes=10-19' } })
    assert.deepEqual([part.status, await bytesOf(part)], [206, original.subarray(10, 20)])
    const gone = (await urlOf({ key: 'originals/gone' })).replace(worker.url, reader.url)
    await assertRefused(await fetch(gone), 404, 'not-found')
  })
})

/** The Worker puts a file into the cache after it has answered. */
async function keptBy({ kept }: CacheService, url: string): Promise<void> {
  const deadline = Date.now() + 5000
  while (!kept.has(url)) {
    assert.ok(Date.now() < deadline, `${url} was not kept within 5 s`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Asks for a path to the letter. */
function statusOf(base: string, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    httpRequest(base, { path }, (response) => resolve(response.resume().statusCode))
      .on('error', reject)
      .end()
  })
}
