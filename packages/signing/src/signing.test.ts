import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import fc from 'fast-check'
import { encodeBase64url } from './base64url.ts'
import {
  createKeyRing,
  createSigner,
  createVerifier,
  type DeliveryGrant,
  expiryBucket,
  generateKeySet,
  type KeyRing,
  publicJwks,
  SignatureError,
  type SigningKeySet,
  type UploadGrant,
} from './index.ts'

const now = () => 1_800_000_000
const base = 'https://media.example'

const uploadGrant: UploadGrant = {
  key: 'originals/0f3c',
  upload: 'multi-1',
  part: 2,
  size: 8_388_608,
  maxSize: null,
  type: 'image/heic',
  expires: 1_800_003_600,
}
const deliveryGrant: DeliveryGrant = {
  key: 'originals/0f3c',
  type: 'image/jpeg',
  disposition: 'attachment',
  filename: "Max's holiday (1) – 사진!*.jpg",
  expires: 1_800_003_600,
}

const key = fc
  .array(fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,20}$/), { minLength: 1, maxLength: 4 })
  .map((segments) => segments.join('/'))
const type = fc.constantFrom('image/jpeg', 'video/mp4', 'image/svg+xml', 'application/vnd.apple.mpegurl')
const expires = fc.integer({ min: now() + 1, max: now() + 1_000_000 })
const anyDelivery: fc.Arbitrary<DeliveryGrant> = fc.record(
  {
    key,
    type,
    disposition: fc.constantFrom('inline' as const, 'attachment' as const),
    filename: fc.option(fc.string({ unit: 'binary', minLength: 1, maxLength: 100 })),
    expires,
  },
  { noNullPrototype: true },
)
const part = fc.record({
  upload: fc.stringMatching(/^[\x21-\x7e]{1,60}$/),
  part: fc.integer({ min: 1, max: 10_000 }),
})
const anyUpload: fc.Arbitrary<UploadGrant> = fc
  .tuple(key, type, expires, fc.option(part), fc.option(fc.maxSafeNat()), fc.maxSafeNat())
  .map(([key, type, expires, part, size, maxSize]) => ({
    key,
    type,
    expires,
    upload: part?.upload ?? null,
    part: part?.part ?? null,
    size,
    maxSize: size === null ? maxSize : null,
  }))

let keySet: SigningKeySet
let ring: KeyRing
let hmac: string
let ed25519: string

before(async () => {
  keySet = await generateKeySet()
  ring = await createKeyRing(keySet)
  ;[hmac = '', ed25519 = ''] = ring.keys()
})

const pathOf = (url: string) => new URL(url).pathname + new URL(url).search
const isRefused = (reason: 'invalid' | 'expired') => (error: unknown) =>
  error instanceof SignatureError && error.reason === reason

describe('signed URLs', () => {
  it('give back the grant they were made of, through the URL parser of browsers, with either algorithm', async () => {
    const verifier = createVerifier(ring, { now })
    for (const kind of ['HMAC', 'Ed25519'] as const) {
      const signer = createSigner(ring, kind)
      await fc.assert(
        fc.asyncProperty(anyUpload, anyDelivery, async (upload, delivery) => {
          const uploadUrl = await signer.upload(`${base}/`, upload)
          const deliveryUrl = await signer.delivery(base, delivery)
          assert.equal(new URL(uploadUrl).href, uploadUrl)
          assert.equal(new URL(deliveryUrl).href, deliveryUrl)
          assert.deepEqual(await verifier.upload(pathOf(uploadUrl)), upload)
          assert.deepEqual(await verifier.delivery(pathOf(deliveryUrl)), delivery)
        }),
        { numRuns: 150 },
      )
    }
  })

  it('are refused after any edit', async () => {
    const verifier = createVerifier(ring, { now })
    const urls = await Promise.all([
      createSigner(ring, 'HMAC').upload('', uploadGrant),
      createSigner(ring, 'Ed25519').upload('', uploadGrant),
      createSigner(ring, 'HMAC').delivery('', deliveryGrant),
      createSigner(ring, 'Ed25519').delivery('', deliveryGrant),
    ])
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...urls), edit, async (url, change) => {
        const edited = change(url)
        fc.pre(edited !== url)
        await assert.rejects(verifier.upload(edited), isRefused('invalid'))
        await assert.rejects(verifier.delivery(edited), isRefused('invalid'))
      }),
      { numRuns: 1500 },
    )
  })

  it('are written as they always were, byte for byte: an upgrade must not make every URL that is out new', async () => {
    const k = encodeBase64url(Uint8Array.from({ length: 32 }, (_, index) => index))
    const signer = createSigner(await createKeyRing({ keys: [{ kty: 'oct', kid: 'golden', k }] }))
    assert.equal(
      await signer.delivery(base, deliveryGrant),
      'https://media.example/m/originals/0f3c?type=image%2Fjpeg&disposition=attachment&filename=Max%27s%20holiday%20%281%29%20%E2%80%93%20%EC%82%AC%EC%A7%84%21%2A.jpg&expires=1800003600&kid=golden&sig=9B5UnIEqthzHgN6V02svBtDvzZEdVLitSxqo4SNPi5M',
    )
    assert.equal(
      await signer.upload(base, uploadGrant),
      'https://media.example/u/originals/0f3c?type=image%2Fheic&size=8388608&upload=multi-1&part=2&expires=1800003600&kid=golden&sig=dLkjF3XEaTFDrOrOjUuKVOWrCNG_lCp3kS_UTYVZ6Z4',
    )
  })

  it('are refused for the other purpose', async () => {
    const signer = createSigner(ring)
    const verifier = createVerifier(ring, { now })
    await assert.rejects(verifier.delivery(await signer.upload('', uploadGrant)), isRefused('invalid'))
    await assert.rejects(verifier.upload(await signer.delivery('', deliveryGrant)), isRefused('invalid'))
  })

  it('have no second spelling of their signature', async () => {
    const verifier = createVerifier(ring, { now })
    const url = await createSigner(ring, 'Ed25519').delivery('', deliveryGrant)
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    for (const last of alphabet) {
      const sibling = url.slice(0, -1) + last
      if (sibling !== url) await assert.rejects(verifier.delivery(sibling), isRefused('invalid'))
    }
    await assert.rejects(verifier.delivery(`${url}=`), isRefused('invalid'))
    await assert.rejects(verifier.delivery(`${url}==`), isRefused('invalid'))
  })

  it('say expired only when they were right once, also when the verdict is remembered', async () => {
    let time = now()
    const verifier = createVerifier(ring, { now: () => time })
    const url = await createSigner(ring).delivery('', deliveryGrant)
    await verifier.delivery(url)
    time = deliveryGrant.expires - 1
    await verifier.delivery(url)
    time = deliveryGrant.expires
    await assert.rejects(verifier.delivery(url), isRefused('expired'))
    await assert.rejects(verifier.delivery(url.replace('0f3c', '0f3d')), isRefused('invalid'))
    await assert.rejects(createVerifier(ring, { now: () => time }).delivery(url), isRefused('expired'))
  })

  it('are not good under a key of the same name', async () => {
    const renamed = (await generateKeySet()).keys.map((jwk, index) => ({ ...jwk, kid: [hmac, ed25519][index] ?? '' }))
    const url = await createSigner(await createKeyRing({ keys: renamed })).delivery('', deliveryGrant)
    await assert.rejects(createVerifier(ring, { now }).delivery(url), isRefused('invalid'))
  })

  it('survive a verdict cache that is too small', async () => {
    const verifier = createVerifier(ring, { now, cacheSize: 2 })
    const signer = createSigner(ring)
    for (const round of [1, 2]) {
      for (let index = 0; index < 5; index++) {
        const grant = { ...deliveryGrant, key: `originals/${index}` }
        assert.deepEqual(await verifier.delivery(await signer.delivery('', grant)), grant, `round ${round}`)
      }
    }
  })

  it('give every caller a grant of its own', async () => {
    const verifier = createVerifier(ring, { now })
    const url = await createSigner(ring).delivery('', deliveryGrant)
    const first = await verifier.delivery(url)
    first.key = 'changed'
    assert.equal((await verifier.delivery(url)).key, deliveryGrant.key)
  })
})

describe('impossible grants', () => {
  const signer = () => createSigner(ring)
  for (const key of [
    '',
    '/a',
    'a/',
    'a//b',
    '../a',
    'a/..',
    'a/.b',
    'A',
    'a b',
    'a%2fb',
    'a?b',
    'é',
    'a'.repeat(513),
  ]) {
    it(`are not signed: the key ${JSON.stringify(key.slice(0, 20))}`, async () => {
      await assert.rejects(signer().delivery(base, { ...deliveryGrant, key }), TypeError)
    })
  }

  const uploads: Partial<UploadGrant>[] = [
    { size: null, maxSize: null },
    { part: null },
    { part: 0 },
    { upload: null },
    { upload: '' },
    { size: -1 },
    { size: 1.5 },
    { expires: Number.NaN },
    { type: 'image/jpeg\r\nX: y' },
  ]
  for (const change of uploads) {
    it(`are not signed: an upload with ${JSON.stringify(change)}`, async () => {
      await assert.rejects(signer().upload(base, { ...uploadGrant, ...change }), TypeError)
    })
  }

  it('are not signed: a filename with half a character', async () => {
    await assert.rejects(signer().delivery(base, { ...deliveryGrant, filename: '\ud800' }), TypeError)
  })
})

describe('keys', () => {
  it('verify elsewhere with their public halves alone, which hold no secret', async () => {
    const published = publicJwks(ring)
    assert.deepEqual(
      published.keys.map((jwk) => jwk.kid),
      [ed25519],
    )
    assert.ok(!JSON.stringify(published).includes('"d"'))
    const elsewhere = await createKeyRing(published)
    const url = await createSigner(ring, 'Ed25519').upload('', uploadGrant)
    assert.deepEqual(await createVerifier(elsewhere, { now }).upload(url), uploadGrant)
    await assert.rejects(createSigner(elsewhere).upload('', uploadGrant), /can sign/)
    const byHmac = await createSigner(ring, 'HMAC').upload('', uploadGrant)
    await assert.rejects(createVerifier(elsewhere, { now }).upload(byHmac), isRefused('invalid'))
  })

  it('retire: they sign nothing that would outlive them, and verify until their time is over', async () => {
    const until = now() + 100
    const [old] = keySet.keys
    const [fresh] = (await generateKeySet()).keys
    assert.ok(old !== undefined && fresh !== undefined)
    const retiring = { ...old, useUntil: until }
    const rotated = await createKeyRing({ keys: [retiring, fresh] })
    const signer = createSigner(rotated)
    let time = now()
    const verifier = createVerifier(rotated, { now: () => time })

    const byOld = await signer.delivery('', { ...deliveryGrant, expires: until })
    const byFresh = await signer.delivery('', { ...deliveryGrant, expires: until + 1 })
    assert.ok(byOld.includes(`&kid=${old.kid}&`) && byFresh.includes(`&kid=${fresh.kid}&`))
    await assert.rejects(
      createSigner(await createKeyRing({ keys: [retiring] })).delivery('', deliveryGrant),
      /can sign/,
    )

    await verifier.delivery(byOld)
    time = until
    await assert.rejects(verifier.delivery(byOld), isRefused('invalid'))
    await verifier.delivery(byFresh)
  })

  it('are refused when malformed', async () => {
    const [oct] = keySet.keys
    assert.ok(oct !== undefined)
    const short = encodeBase64url(new Uint8Array(31))
    await assert.rejects(createKeyRing({ keys: [{ kty: 'oct', k: short, kid: 'a' }] }), TypeError)
    await assert.rejects(createKeyRing({ keys: [oct, oct] }), TypeError)
    for (const kid of ['__proto__', '', 'a b', 'a&b', 'a'.repeat(65)]) {
      await assert.rejects(createKeyRing({ keys: [{ ...oct, kid }] }), TypeError)
    }
  })

  it('are not found by the names every object has', async () => {
    const url = await createSigner(ring).delivery('', deliveryGrant)
    for (const kid of ['__proto__', 'constructor', 'toString']) {
      await assert.rejects(createVerifier(ring, { now }).delivery(url.replace(hmac, kid)), isRefused('invalid'))
    }
  })
})

describe('expiryBucket', () => {
  it('stays the same within a bucket and is never less than one bucket away', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e9 }), fc.integer({ min: 1, max: 700_000 }), (time, bucket) => {
        const expiry = expiryBucket(time, bucket)
        const start = Math.floor(time / bucket) * bucket
        assert.equal(expiry % bucket, 0)
        assert.equal(expiry, expiryBucket(start, bucket))
        assert.equal(expiry, expiryBucket(start + bucket - 1, bucket))
        assert.ok(expiry - time > bucket && expiry - time <= 2 * bucket)
      }),
    )
  })
})

/** Edits that attackers and intermediaries make: characters, parameters, encodings, traversal. */
const edit: fc.Arbitrary<(url: string) => string> = fc.oneof(
  fc.tuple(fc.nat(2000), fc.string({ unit: 'binary', maxLength: 3 }), fc.nat(3)).map(
    ([at, inserted, removed]) =>
      (url: string) =>
        url.slice(0, at % url.length) + inserted + url.slice((at % url.length) + removed),
  ),
  fc
    .constantFrom('a=b', 'expires=9999999999', 'type=text/html', 'sig=AAAA', 'kid=x', '', '__proto__=1', '#x')
    .chain((parameter) =>
      fc.constantFrom(
        (url: string) => `${url}&${parameter}`,
        (url: string) => url.replace('?', `?${parameter}&`),
        (url: string) => url.replace('&kid=', `&${parameter}&kid=`),
        (url: string) => url.replace('&sig=', `&${parameter}&sig=`),
      ),
    ),
  fc.tuple(fc.nat(10), fc.nat(10)).map(([from, to]) => (url: string) => {
    const [path = '', query = ''] = url.split('?')
    const pairs = query.split('&')
    const [moved = ''] = pairs.splice(from % pairs.length, 1)
    pairs.splice(to % (pairs.length + 1), 0, moved)
    return `${path}?${pairs.join('&')}`
  }),
  fc.nat(10).map((which) => (url: string) => {
    const pairs = url.slice(url.indexOf('?') + 1).split('&')
    return `${url}&${pairs[which % pairs.length]}`
  }),
  fc.nat(2000).map((at) => (url: string) => {
    const index = at % url.length
    return `${url.slice(0, index)}%${url.charCodeAt(index).toString(16).padStart(2, '0')}${url.slice(index + 1)}`
  }),
  fc.constantFrom(
    (url: string) => url.replace(/%[0-9A-F]{2}/, (encoded) => encoded.toLowerCase()),
    (url: string) => url.replace('%2F', '/'),
    (url: string) => url.replace('%20', '+'),
    (url: string) => url.replace('/originals/', '/originals/../originals/'),
    (url: string) => url.replace('/originals/', '/originals/%2e%2e/originals/'),
    (url: string) => url.replace('/originals/', '//originals/'),
    (url: string) => url.replace('/originals/', '/originals%2F'),
    (url: string) => url.replace('/u/', '/m/').replace('/m/', '/u/'),
    (url: string) => url.replace('expires=1', 'expires=01'),
    (url: string) => url.replace('expires=1800003600', 'expires=1.8000036e9'),
    (url: string) => url.replace('size=', 'size=+'),
    (url: string) => `${url}\n`,
    (url: string) => ` ${url}`,
    (url: string) => url.toUpperCase(),
    (url: string) => `https://media.example${url}`,
  ),
)
