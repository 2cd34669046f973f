import assert from 'node:assert/strict'
import { createVerify, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { getSignedUrl } from '@aws-sdk/cloudfront-signer'
import { createKeyRing, generateKeySet } from '@heliograph/signing'
import { loadConfig, SettingsError } from '../config/index.ts'
import { createS3Store } from '../engines/object-store/s3-store.ts'
import { createDelivery } from './index.ts'

const site = 'https://d111111abcdef8.cloudfront.net'
const noon = Date.parse('2026-11-20T12:00:00Z')
const store = createS3Store({ url: 's3://key:secret@bucket?endpoint=https://s3.example&region=eu-central-1' })
const file = { object_key: 'originals/one', content_type: 'image/jpeg', filename: 'Été *?.jpg' }

const pairs = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ecdsa: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  small: generateKeyPairSync('rsa', { modulusLength: 1024 }),
}
const pemOf = (kind: keyof typeof pairs) => pairs[kind].privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heliograph-cloudfront-'))
  for (const kind of ['rsa', 'ecdsa', 'small'] as const) await writeFile(join(folder, kind), pemOf(kind))
  await writeFile(join(folder, 'empty'), '')
})
after(() => rm(folder, { recursive: true }))

async function setUp(kind: string, environment: Record<string, string> = {}) {
  const clock = { time: noon }
  const delivery = createDelivery({
    ring: await createKeyRing(await generateKeySet()),
    publicUrl: 'https://photos.example',
    store,
    config: loadConfig({
      DELIVERY: 'cloudfront',
      DELIVERY_URL: `${site}/`,
      CLOUDFRONT_KEY_PAIR_ID: 'K2JCJMDEHXQW5F',
      CLOUDFRONT_PRIVATE_KEY_FILE: join(folder, kind),
      ...environment,
    }),
    now: () => new Date(clock.time),
  })
  return { clock, delivery }
}

/** Whether CloudFront would let `url` through at `time`, by what its guide says of custom policies. */
function isAllowed(url: string, publicKey: KeyObject, time = noon): boolean {
  const [resource = '', parameters = ''] = url.split(/[?&](?=Policy=)/)
  const { Policy = '', Signature = '', 'Key-Pair-Id': id } = Object.fromEntries(new URLSearchParams(parameters))
  const bytesOf = (text: string) =>
    Buffer.from(text.replaceAll('-', '+').replaceAll('_', '=').replaceAll('~', '/'), 'base64')
  const policy = bytesOf(Policy).toString()
  if (id !== 'K2JCJMDEHXQW5F' || !createVerify('SHA1').update(policy).verify(publicKey, bytesOf(Signature)))
    return false
  const [{ Resource, Condition }] = JSON.parse(policy).Statement
  const pattern = Resource.split(/([*?])/).map((text: string) =>
    text === '*' ? '.*' : text === '?' ? '.' : text.replace(/[\\^$.|+()[\]{}]/g, '\\$&'),
  )
  return new RegExp(`^${pattern.join('')}$`).test(resource) && time / 1000 < Condition.DateLessThan['AWS:EpochTime']
}

describe('delivery by CloudFront', () => {
  for (const kind of ['rsa', 'ecdsa'] as const) {
    it(`signs URLs that CloudFront takes, and takes no others, by ${kind}`, async () => {
      const { delivery } = await setUp(kind)
      const { publicKey } = pairs[kind]
      const url = await delivery.urlOf(file, 'attachment')
      assert.equal(new URL(url).href, url)
      assert.ok(isAllowed(url, publicKey))
      assert.ok(isAllowed(url, publicKey, noon + 7_199_000))
      assert.ok(!isAllowed(url, publicKey, noon + 7_200_000))
      assert.ok(!isAllowed(url, pairs[kind === 'rsa' ? 'ecdsa' : 'rsa'].publicKey))
      for (const [from, to] of [
        ['originals/one', 'originals/two'],
        ['originals/one', 'originals/one/two'],
        ['image%2Fjpeg', 'text%2Fhtml'],
        ['attachment', 'inline'],
        ['response-content-type=image%2Fjpeg', 'response-content-type=image%2Fjpeg&response-content-type=text%2Fhtml'],
      ] as const) {
        assert.ok(url.includes(from))
        assert.ok(!isAllowed(url.replace(from, to), publicKey), to)
      }
    })

    it(`signs once for everything under a prefix and nothing beside it, by ${kind}`, async () => {
      const { delivery } = await setUp(kind)
      const { publicKey } = pairs[kind]
      const files = ['main.m3u8', '720/0.m4s'].map((name) => ({ ...file, object_key: `hls/42/${name}` }))
      const urls = await delivery.urlsUnder('hls/42/', files)
      assert.equal(new Set(urls.map((url) => new URL(url).search)).size, 1)
      for (const url of urls) {
        assert.ok(isAllowed(url, publicKey))
        assert.ok(!isAllowed(url.replace('hls/42/', 'hls/420/'), publicKey))
        assert.ok(!isAllowed(url.replace('hls/42/', 'hls/43/'), publicKey))
      }
      await assert.rejects(delivery.urlsUnder('hls/42/', [file]), TypeError)
      await assert.rejects(delivery.urlsUnder('hls/42', files), TypeError)
    })
  }

  it('has S3 say what the file is and how to treat it', async () => {
    const { delivery } = await setUp('rsa')
    const { searchParams, pathname } = new URL(await delivery.urlOf({ ...file, content_type: 'image/svg+xml' }))
    assert.equal(pathname, '/originals/one')
    assert.equal(searchParams.get('response-content-type'), 'image/svg+xml')
    assert.equal(
      searchParams.get('response-content-disposition'),
      `attachment; filename="_t_ __.jpg"; filename*=UTF-8''%C3%89t%C3%A9%20__.jpg`,
    )
  })

  it('signs what the SDK of Amazon signs', async () => {
    const { delivery } = await setUp('rsa')
    const url = await delivery.urlOf({ ...file, filename: 'one.jpg' })
    const [resource = ''] = url.split('&Policy=')
    const policy = JSON.stringify({
      Statement: [{ Resource: resource, Condition: { DateLessThan: { 'AWS:EpochTime': noon / 1000 + 7200 } } }],
    })
    const reference = getSignedUrl({ url: resource, keyPairId: 'K2JCJMDEHXQW5F', privateKey: pemOf('rsa'), policy })
    assert.equal(new URL(url).search, new URL(reference).search)
  })

  it('gives URLs that stay the same within the bucket: by RSA in every process, by ECDSA in one', async () => {
    const { clock, delivery } = await setUp('ecdsa')
    const first = await delivery.urlOf(file)
    clock.time += 3_599_000
    assert.equal(await delivery.urlOf(file), first)
    const [one, other] = [await setUp('rsa'), await setUp('rsa')]
    other.clock.time += 1_000_000
    assert.equal(await one.delivery.urlOf(file), await other.delivery.urlOf(file))
  })

  it('reaches public objects without a signature', async () => {
    const { delivery } = await setUp('rsa')
    const key = 'public/0123456789abcdef0123456789abcdef.webp'
    assert.equal(await delivery.publicUrlOf(key), `${site}/${key}`)
  })

  it('says what is missing or wrong instead of starting', async () => {
    for (const [kind, environment, message] of [
      ['rsa', { DELIVERY_URL: '' }, /also needs DELIVERY_URL/],
      ['rsa', { CLOUDFRONT_KEY_PAIR_ID: '' }, /also needs CLOUDFRONT_KEY_PAIR_ID/],
      ['rsa', { CLOUDFRONT_PRIVATE_KEY_FILE: '' }, /also needs CLOUDFRONT_PRIVATE_KEY_FILE/],
      ['nothing', {}, /no private key can be read from/],
      ['empty', {}, /no private key can be read from/],
      ['small', {}, /RSA key of 2048 bits or an ECDSA key on P-256/],
    ] as const) {
      await assert.rejects(
        setUp(kind, environment),
        (error) => error instanceof SettingsError && message.test(error.message),
        String(message),
      )
    }
  })
})
