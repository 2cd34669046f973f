import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createKeyRing, createVerifier, generateKeySet, placeOf } from '@heliograph/signing'
import Fastify from 'fastify'
import { loadConfig, SettingsError } from '../config/index.ts'
import { createS3Store } from '../engines/object-store/s3-store.ts'
import { requirePolicies } from '../http/policy.ts'
import { createDelivery, type DeliveryOptions, jwksRoutes } from './index.ts'

const file = { object_key: 'originals/one', content_type: 'image/jpeg', filename: 'one.jpg' }
const noon = Date.parse('2026-11-20T12:00:00Z')

const s3Url = 's3://key:secret@bucket?endpoint=https://s3.example&region=eu-central-1'

async function setUp(environment: Record<string, string> = {}, options: Partial<DeliveryOptions> = {}) {
  const clock = { time: noon }
  const now = () => new Date(clock.time)
  const ring = options.ring ?? (await createKeyRing(await generateKeySet()))
  const delivery = createDelivery({
    ring,
    publicUrl: 'https://photos.example',
    store: { presigner: null },
    config: loadConfig(environment),
    now,
    ...options,
  })
  const verifier = createVerifier(ring, { now: () => clock.time / 1000 })
  const grantOf = (url: string, country?: string) => verifier.delivery(url.replace(/^https:\/\/[^/]+/, ''), { country })
  return { clock, ring, delivery, grantOf }
}

describe('delivery', () => {
  it('gives URLs that stay the same within the bucket and live at least as long', async () => {
    const { clock, delivery, grantOf } = await setUp()
    const first = await delivery.urlOf(file)
    clock.time = noon + 3_599_000
    assert.equal(await delivery.urlOf(file), first)
    const { expires } = await grantOf(first)
    assert.ok(expires * 1000 - clock.time > 3_600_000)
    clock.time = noon + 3_600_000
    assert.notEqual(await delivery.urlOf(file), first)
    await grantOf(first)
  })

  it('gives the same URLs in every process', async () => {
    const ring = await createKeyRing(await generateKeySet())
    const [one, other] = [await setUp({}, { ring }), await setUp({}, { ring })]
    other.clock.time += 1_000_000
    assert.equal(await one.delivery.urlOf(file), await other.delivery.urlOf(file))
  })

  it('signs what the file is, and never shows what could run script', async () => {
    const { delivery, grantOf } = await setUp()
    const of = async (change: object, disposition?: 'inline' | 'attachment') =>
      grantOf(await delivery.urlOf({ ...file, ...change }, disposition))
    const { key, type, filename, disposition } = await of({})
    assert.deepEqual([key, type, filename, disposition], ['originals/one', 'image/jpeg', 'one.jpg', 'inline'])
    assert.equal((await of({}, 'attachment')).disposition, 'attachment')
    assert.equal((await of({ content_type: 'image/svg+xml' }, 'inline')).disposition, 'attachment')
    assert.equal((await of({ filename: null })).filename, null)
    assert.equal((await of({ filename: `${'ü'.repeat(4000)}\0.jpg` })).filename, `${'ü'.repeat(125)}.jpg`)
  })

  it('knows its own address only once the server listens', async () => {
    const site = { url: 'http://127.0.0.1:0' }
    const delivery = createDelivery({
      ring: await createKeyRing(await generateKeySet()),
      get publicUrl() {
        return site.url
      },
      store: { presigner: null },
      config: loadConfig({}),
      now: () => new Date(noon),
    })
    site.url = 'http://127.0.0.1:8080'
    assert.match(await delivery.urlOf(file), /^http:\/\/127\.0\.0\.1:8080\/m\//)
  })

  it('lets an S3 store serve, under URLs that stay the same in every process', async () => {
    const [one, other] = [
      await setUp({ DELIVERY: 's3' }, { store: createS3Store({ url: s3Url }) }),
      await setUp({ DELIVERY: 's3' }, { store: createS3Store({ url: s3Url }) }),
    ]
    other.clock.time += 1_000_000
    const signed = await one.delivery.urlOf({ ...file, content_type: 'image/svg+xml' })
    assert.equal(await other.delivery.urlOf({ ...file, content_type: 'image/svg+xml' }), signed)
    const { searchParams } = new URL(signed)
    assert.equal(searchParams.get('response-content-type'), 'image/svg+xml')
    assert.equal(searchParams.get('response-content-disposition'), 'attachment; filename="one.jpg"')
    assert.equal(searchParams.get('X-Amz-Expires'), '7200')
  })

  it('signs once for the parts of a video', async () => {
    const { delivery, grantOf } = await setUp()
    const files = ['main.m3u8', '720/0.m4s'].map((name) => ({ ...file, object_key: `hls/42/${name}` }))
    const urls = await delivery.urlsUnder('hls/42/', files)
    assert.deepEqual(
      await Promise.all(urls.map(async (url) => (await grantOf(url)).key)),
      files.map((part) => part.object_key),
    )
    assert.equal(new Set(urls.map((url) => new URL(url).search)).size, 1)
    await assert.rejects(delivery.urlsUnder('hls/42/', [file]), TypeError)
  })

  it('signs each of them where S3 serves, which knows no prefixes', async () => {
    const { delivery } = await setUp({ DELIVERY: 's3' }, { store: createS3Store({ url: s3Url }) })
    const files = ['main.m3u8', '0.m4s'].map((name) => ({ ...file, object_key: `hls/42/${name}` }))
    const urls = await delivery.urlsUnder('hls/42/', files)
    assert.deepEqual(urls, await Promise.all(files.map((part) => delivery.urlOf(part))))
  })

  it('signs for no prefix that would open its neighbours, whoever delivers', async () => {
    const part = { ...file, object_key: 'hls/42/0.m4s' }
    const store = createS3Store({ url: s3Url })
    for (const { delivery } of [await setUp(), await setUp({ DELIVERY: 's3' }, { store })]) {
      for (const prefix of ['hls/42', 'hls/4', 'hls/*/', '', '/', 'hls/../']) {
        await assert.rejects(delivery.urlsUnder(prefix, [part]), TypeError, prefix)
      }
      await assert.rejects(delivery.urlsUnder('hls/42/', [{ ...part, object_key: 'hls/42/page.html' }]), TypeError)
    }
  })

  it('binds a URL to a place, and remembers it for that place alone', async () => {
    const { delivery, grantOf } = await setUp()
    const url = await delivery.urlOf(file, 'inline', placeOf({ country: 'KR' }))
    assert.notEqual(await delivery.urlOf(file), url)
    await grantOf(url, 'KR')
    await assert.rejects(grantOf(url, 'JP'), { reason: 'elsewhere' })
    const s3 = await setUp({ DELIVERY: 's3' }, { store: createS3Store({ url: s3Url }) })
    await assert.rejects(s3.delivery.urlOf(file, 'inline', placeOf({ country: 'KR' })), TypeError)
  })

  it('lets a Worker at another address serve, with keys it cannot sign with unless told otherwise', async () => {
    const environment = { DELIVERY: 'cloudflare', DELIVERY_URL: 'https://media.example/' }
    for (const [algorithm, kid] of [
      ['ed25519', /&kid=ed-/],
      ['hmac', /&kid=hmac-/],
    ] as const) {
      const { delivery, grantOf } = await setUp({ ...environment, DELIVERY_ALGORITHM: algorithm })
      const url = await delivery.urlOf(file)
      assert.match(url, /^https:\/\/media\.example\/m\/originals\/one\?/)
      assert.match(url, kid)
      assert.equal((await grantOf(url)).key, 'originals/one')
    }
  })

  it('gives public objects one URL for ever, and nothing else one without a signature', async () => {
    const key = 'public/0123456789abcdef0123456789abcdef.webp'
    const store = createS3Store({ url: `${s3Url}&prefix=tenant` })
    const worker = { DELIVERY: 'cloudflare', DELIVERY_URL: 'https://media.example' }
    const of = async (set: ReturnType<typeof setUp>) => (await set).delivery.publicUrlOf(key)
    assert.equal(await of(setUp()), `https://photos.example/m/${key}`)
    assert.equal(await of(setUp({ DELIVERY_URL: 'https://media.example' })), `https://media.example/m/${key}`)
    assert.equal(await of(setUp(worker)), `https://media.example/m/${key}`)
    assert.equal(await of(setUp({ DELIVERY: 's3' }, { store })), `https://s3.example/bucket/tenant/${key}`)
    const { delivery } = await setUp()
    for (const other of ['originals/one', 'public/one.webp', `${key}.html`]) {
      await assert.rejects(delivery.publicUrlOf(other), TypeError)
    }
  })

  it('says what is missing, in a sentence, instead of starting', async () => {
    for (const [environment, message] of [
      [{ DELIVERY: 's3' }, /DELIVERY=s3 needs an OBJECT_STORE_URL that starts with s3:/],
      [{ DELIVERY: 'cloudflare' }, /DELIVERY=cloudflare also needs DELIVERY_URL/],
      [{ DELIVERY: 'cloudfront' }, /DELIVERY=cloudfront needs an OBJECT_STORE_URL/],
    ] as const) {
      await assert.rejects(setUp(environment), (error) => error instanceof SettingsError && message.test(error.message))
    }
  })
})

describe('public keys', () => {
  it('are published by their public halves alone', async () => {
    const ring = await createKeyRing(await generateKeySet())
    const app = Fastify()
    requirePolicies(app)
    await app.register(jwksRoutes({ ring }))
    const response = await app.inject('/.well-known/jwks.json')
    const { keys } = response.json<{ keys: Record<string, string>[] }>()
    assert.match(String(response.headers['content-type']), /^application\/jwk-set\+json/)
    assert.deepEqual(keys.map(Object.keys), [['kty', 'crv', 'x', 'kid', 'alg', 'use']])
    await app.close()
  })
})
