import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { createKeyRing, createSigner, createVerifier, generateKeySet } from '@heliograph/signing'
import Fastify from 'fastify'
import { createS3Store } from '../engines/object-store/s3-store.ts'
import { requirePolicies } from '../http/policy.ts'
import { createDelivery, type DeliveryOptions, jwksRoutes, loadSigningKeys } from './index.ts'

const file = { object_key: 'originals/one', content_type: 'image/jpeg', filename: 'one.jpg' }
const noon = Date.parse('2026-11-20T12:00:00Z')

async function setUp(options: Partial<DeliveryOptions> = {}) {
  const clock = { time: noon }
  const now = () => new Date(clock.time)
  const ring = await createKeyRing(await generateKeySet())
  const delivery = createDelivery({
    signer: createSigner(ring),
    publicUrl: 'https://photos.example',
    store: { presigner: null },
    config: { delivery: 'edge', deliveryBucket: 3600 },
    now,
    ...options,
  })
  const verifier = createVerifier(ring, { now: () => clock.time / 1000 })
  const grantOf = (url: string) => verifier.delivery(url.replace('https://photos.example', ''))
  return { clock, delivery, grantOf }
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
    const [one, other] = [await setUp({ signer: createSigner(ring) }), await setUp({ signer: createSigner(ring) })]
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
    const signer = createSigner(await createKeyRing(await generateKeySet()))
    const delivery = createDelivery({
      signer,
      get publicUrl() {
        return site.url
      },
      store: { presigner: null },
      config: { delivery: 'edge', deliveryBucket: 3600 },
      now: () => new Date(noon),
    })
    site.url = 'http://127.0.0.1:8080'
    assert.match(await delivery.urlOf(file), /^http:\/\/127\.0\.0\.1:8080\/m\//)
  })

  it('lets an S3 store serve, under URLs that stay the same in every process', async () => {
    const url = 's3://key:secret@bucket?endpoint=https://s3.example&region=eu-central-1'
    const config = { delivery: 's3', deliveryBucket: 3600 } as const
    const [one, other] = [
      await setUp({ store: createS3Store({ url }), config }),
      await setUp({ store: createS3Store({ url }), config }),
    ]
    other.clock.time += 1_000_000
    const signed = await one.delivery.urlOf({ ...file, content_type: 'image/svg+xml' })
    assert.equal(await other.delivery.urlOf({ ...file, content_type: 'image/svg+xml' }), signed)
    const { searchParams } = new URL(signed)
    assert.equal(searchParams.get('response-content-type'), 'image/svg+xml')
    assert.equal(searchParams.get('response-content-disposition'), 'attachment; filename="one.jpg"')
    assert.equal(searchParams.get('X-Amz-Expires'), '7200')
  })

  it('refuses to start with DELIVERY=s3 on files', async () => {
    await assert.rejects(setUp({ config: { delivery: 's3', deliveryBucket: 3600 } }), /DELIVERY=edge/)
  })
})

describe('signing keys', () => {
  const withFolder = async (run: (folder: string) => Promise<void>) => {
    const folder = await mkdtemp(join(tmpdir(), 'heliograph-keys-'))
    try {
      await run(folder)
    } finally {
      await rm(folder, { recursive: true })
    }
  }
  const kids = (ring: ReadonlyMap<string, unknown>) => [...ring.keys()]

  it('are made once, for everyone who starts at once, and readable by nobody else', () =>
    withFolder(async (folder) => {
      const dataDir = join(folder, 'data')
      const rings = await Promise.all(Array.from({ length: 20 }, () => loadSigningKeys(dataDir)))
      for (const ring of rings) assert.deepEqual(kids(ring), kids(rings[0] ?? new Map()))
      assert.deepEqual(kids(await loadSigningKeys(dataDir)), kids(rings[0] ?? new Map()))
      assert.deepEqual(await readdir(dataDir), ['keys.json'])
      assert.equal((await stat(join(dataDir, 'keys.json'))).mode & 0o777, 0o600)
    }))

  it('are never replaced when they cannot be read', () =>
    withFolder(async (folder) => {
      for (const text of ['', '{}', '{"keys":[]}', '{"keys":[null]}', '{"keys":[{"kty":"oct","kid":"a","k":"AA"}]}']) {
        await writeFile(join(folder, 'keys.json'), text)
        await assert.rejects(loadSigningKeys(folder), /keys\.json holds no valid signing keys/)
      }
    }))

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
