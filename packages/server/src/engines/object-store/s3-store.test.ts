import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { PutBucketCorsCommand } from '@aws-sdk/client-s3'
import { assertCode, bodyOf, collect, describeObjectStore, endlessBody, randomKey, read } from './contract.ts'
import type { ObjectKey, PresignedRequest, Presigner } from './object-store.ts'
import { connect } from './s3/client.ts'
import { type FaultProxy, startFaultProxy } from './s3/fault-proxy.ts'
import { parseS3Url } from './s3/url.ts'
import { createS3Store, type S3Store } from './s3-store.ts'

const testUrl = process.env.HELIOGRAPH_TEST_S3_URL
const skip = testUrl === undefined ? 'needs an S3: run `npm run test:s3`, which starts one' : false
const contentType = 'image/jpeg'

/** The bucket of the run, under a prefix that nobody else uses. */
function urlOf(endpoint?: string): string {
  const url = new URL(testUrl ?? 's3://nowhere')
  url.searchParams.set('prefix', `test-${randomBytes(6).toString('hex')}`)
  if (endpoint !== undefined) url.searchParams.set('endpoint', endpoint)
  return url.href
}

async function openStore(): Promise<S3Store> {
  const store = createS3Store({ url: urlOf() })
  await store.ensureBucket()
  return store
}

describeObjectStore('S3', openStore, skip)

describe('presigned requests to S3', { skip }, () => {
  let store: S3Store
  let presigner: Presigner
  before(async () => {
    store = await openStore()
    assert.ok(store.presigner !== null)
    presigner = store.presigner
  })
  after(() => store?.close())

  const send = ({ method, url, headers }: PresignedRequest, body: Uint8Array<ArrayBuffer> | null, more = {}) =>
    fetch(url, { method, headers: { ...headers, ...more }, body })
  const putUrl = (key: ObjectKey, size: number, expiresIn = 60) => presigner.put(key, { size, contentType, expiresIn })
  const bytes = new Uint8Array(randomBytes(100_000))

  it('puts an object of the declared size and type, once', async () => {
    const key = randomKey()
    const put = await putUrl(key, bytes.byteLength)
    assert.equal((await send(put, bytes)).status, 200)
    assert.equal((await send(put, new Uint8Array(randomBytes(100_000)))).status, 412)
    assert.deepEqual(await read(store, key), Buffer.from(bytes))
  })

  it('refuses another size, another type, a missing condition and a body after the expiry', async () => {
    const key = randomKey()
    const put = await putUrl(key, bytes.byteLength)
    assert.equal((await send(put, bytes.subarray(1))).status, 403)
    assert.equal((await send(put, bytes, { 'content-type': 'text/html' })).status, 403)
    const { 'if-none-match': _, ...unconditional } = put.headers
    assert.equal((await send({ ...put, headers: unconditional }, bytes)).status, 403)
    const expiring = await putUrl(key, bytes.byteLength, 1)
    await delay(2_100)
    assert.equal((await send(expiring, bytes)).status, 403)
    assert.equal(await store.head(key), null)
  })

  it('signs the checksum as a header, not as part of the URL', async () => {
    const put = await presigner.put(randomKey(), { size: 9, contentType, sha256: randomBytes(32), expiresIn: 60 })
    assert.ok(put.headers['x-amz-checksum-sha256'])
    assert.match(new URL(put.url).searchParams.get('X-Amz-SignedHeaders') ?? '', /x-amz-checksum-sha256/)
    assert.equal(new URL(put.url).searchParams.has('x-amz-checksum-sha256'), false)
    assert.equal(/checksum-crc32/i.test(put.url), false)
  })

  it('puts parts until the upload is over', async () => {
    const key = randomKey()
    const uploadId = await store.createMultipart(key, { contentType })
    const first = new Uint8Array(randomBytes(store.minPartSize))
    const part = (number: number, size: number | null) => presigner.part(key, uploadId, { number, size }, 60)
    assert.equal((await send(await part(1, first.byteLength), first)).status, 200)
    assert.equal((await send(await part(1, first.byteLength), bytes)).status, 403)
    const second = await part(2, null)
    assert.equal((await send(second, bytes)).status, 200)
    await store.completeMultipart(key, uploadId, await store.listParts(key, uploadId))
    assert.equal((await send(second, bytes)).status, 404)
    assert.deepEqual(await read(store, key), Buffer.concat([first, bytes]))
  })

  it('takes a form within its bounds', async () => {
    const post = async (key: ObjectKey, body: Uint8Array<ArrayBuffer>, changes: Record<string, string> = {}) => {
      const options = { contentType, minSize: 10, maxSize: 1_000, expiresIn: 60 }
      const { url, fields } = await presigner.post(key, options)
      const form = new FormData()
      for (const [name, value] of Object.entries({ ...fields, ...changes })) form.append(name, value)
      form.append('file', new Blob([body]))
      return (await fetch(url, { method: 'POST', body: form })).status
    }
    const key = randomKey()
    assert.equal(await post(key, bytes.subarray(0, 1_000)), 204)
    assert.equal((await store.head(key))?.size, 1_000)
    assert.ok((await post(randomKey(), bytes.subarray(0, 1_001))) >= 400)
    assert.ok((await post(randomKey(), bytes.subarray(0, 9))) >= 400)
    assert.ok((await post(randomKey(), bytes.subarray(0, 100), { 'Content-Type': 'text/html' })) >= 400)
  })

  it('gets with the type and name that the URL says, ranges and HEAD included', async () => {
    const key = randomKey()
    await store.put(key, bodyOf(bytes), { contentType, size: bytes.byteLength })
    const get = await presigner.get(key, {
      contentType: 'image/png',
      contentDisposition: 'attachment; filename="a.png"',
      expiresIn: 60,
    })
    const answer = await send(get, null, { range: 'bytes=10-19' })
    assert.equal(answer.status, 206)
    assert.equal(answer.headers.get('content-range'), 'bytes 10-19/100000')
    assert.equal(answer.headers.get('content-type'), 'image/png')
    assert.equal(answer.headers.get('content-disposition'), 'attachment; filename="a.png"')
    assert.deepEqual(new Uint8Array(await answer.arrayBuffer()), bytes.subarray(10, 20))
  })

  it('are open to a browser once the rules are set that the check asks for', async () => {
    const origin = 'https://photos.example'
    const { client, bucket } = connect(parseS3Url(urlOf()), 10_000)
    const partial = [{ AllowedOrigins: ['*'], AllowedMethods: ['GET', 'HEAD', 'PUT', 'POST'], AllowedHeaders: ['*'] }]
    const set = (CORSRules: typeof partial) =>
      client.send(new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration: { CORSRules } }))
    await set(partial)
    const before = await store.checkCors([origin])
    assert.equal(before.ok, false)
    assert.match(before.missing.join(), /cannot read ETag/)

    await client.send(
      new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration: { CORSRules: store.corsRules([origin]) } }),
    )
    assert.deepEqual((await store.checkCors([origin])).missing, [])
    assert.equal((await store.checkCors(['https://other.example'])).ok, false)

    const put = await putUrl(randomKey(), bytes.byteLength)
    const preflight = await fetch(put.url, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'PUT',
        'access-control-request-headers': 'content-type,if-none-match',
      },
    })
    assert.equal(preflight.status, 200)
    assert.equal(preflight.headers.get('access-control-allow-origin'), origin)
    const answer = await send(put, bytes, { origin })
    assert.match(answer.headers.get('access-control-expose-headers') ?? '', /etag/i)
    client.destroy()
  })
})

describe('S3 that fails', { skip }, () => {
  let proxy: FaultProxy
  let store: S3Store
  const timeout = 600
  before(async () => {
    const endpoint = new URL(testUrl ?? '').searchParams.get('endpoint')
    assert.ok(endpoint !== null)
    proxy = await startFaultProxy(endpoint)
    store = createS3Store({ url: urlOf(proxy.endpoint), timeout })
  })
  after(async () => {
    await store?.close()
    await proxy?.close()
  })

  const isPut = ({ method }: { method?: string | undefined }) => method === 'PUT'
  const bytes = randomBytes(300_000)
  const put = (key: ObjectKey, size: number | undefined = bytes.byteLength) =>
    store.put(key, bodyOf(bytes.subarray(0, size)), { contentType, ...(size !== undefined && { size }) })

  it('is asked again when it is overloaded for a moment', async () => {
    proxy.fail('503', 2)
    assert.equal(await store.head(randomKey()), null)
  })

  it('is unavailable when it stays overloaded, hangs, or breaks the connection', async () => {
    for (const fault of ['503', 'hang', 'reset'] as const) {
      proxy.fail(fault, 50)
      await assertCode(store.head(randomKey()), 'unavailable')
      await assertCode(put(randomKey()), 'unavailable')
      await assertCode(store.ping(), 'unavailable')
      proxy.fail('none', 0)
    }
  })

  it('answers success for a write whose answer was lost', async () => {
    // Streamed (never sent again), sent as bytes (the repetition is told that the key is taken), and in parts.
    for (const size of [300_000, 1_000]) {
      const key = randomKey()
      proxy.fail('lose-answer', 1, isPut)
      const stored = await put(key, size)
      assert.equal(stored.etag, (await store.head(key))?.etag)
      assert.deepEqual(await read(store, key), bytes.subarray(0, size))
    }
    const large = randomBytes(9 * 1024 ** 2)
    const key = randomKey()
    proxy.fail('lose-answer', 1, ({ method, url }) => method === 'POST' && url?.includes('uploadId') === true)
    await store.put(key, bodyOf(large), { contentType })
    assert.deepEqual(await read(store, key), large)
  })

  it('says that a key is taken when the write whose answer was lost was not ours', async () => {
    const key = randomKey()
    await put(key)
    proxy.fail('lose-answer', 1, isPut)
    await assert.rejects(put(key, 1_000))
    assert.deepEqual(await read(store, key), bytes)
  })

  it('answers a completion whose answer was lost with the object', async () => {
    const key = randomKey()
    const uploadId = await store.createMultipart(key, { contentType })
    const part = await store.putPart(key, uploadId, 1, bodyOf(bytes), { size: bytes.byteLength })
    proxy.fail('lose-answer', 1, ({ method }) => method === 'POST')
    assert.equal((await store.completeMultipart(key, uploadId, [part])).size, bytes.byteLength)
    assert.deepEqual(await read(store, key), bytes)
  })

  it('is not given up because the client is slow', async () => {
    const key = randomKey()
    const body = endlessBody(bytes)
    const slowPut = store.put(key, body, { contentType, size: bytes.byteLength + 1 })
    await delay(timeout * 2)
    body.push(Buffer.alloc(1))
    body.push(null)
    assert.equal((await slowPut).size, bytes.byteLength + 1)
  })

  it('leaves no parts behind of a body that broke off', async () => {
    const body = endlessBody(randomBytes(9 * 1024 ** 2))
    const key = randomKey()
    const broken = store.put(key, body, { contentType })
    await delay(300)
    body.destroy(new Error('gone'))
    await assert.rejects(broken, /gone/)
    assert.deepEqual(await collect(store.listMultiparts()), [])
  })
})

describe('the URL of an S3 store', () => {
  it('carries credentials, endpoint, region and prefix', () => {
    const url = 's3://KEY:se%2Fcr%2Bet@bucket?endpoint=http://127.0.0.1:9000&region=eu-1&prefix=media'
    assert.deepEqual(parseS3Url(url), {
      bucket: 'bucket',
      prefix: 'media/',
      endpoint: 'http://127.0.0.1:9000',
      region: 'eu-1',
      credentials: { accessKeyId: 'KEY', secretAccessKey: 'se/cr+et' },
    })
    assert.equal(parseS3Url('s3://bucket').credentials, null)
  })

  it('is refused with a reason, and without the secret', () => {
    for (const url of [
      'http://bucket',
      's3://',
      's3://k:hidden@bucket/folder',
      's3://k:hidden@bucket?endpoint=ftp://x',
      's3://k:hidden@bucket?regoin=x',
      's3://key@bucket',
    ]) {
      assert.throws(
        () => parseS3Url(url),
        (error) => error instanceof TypeError && !error.message.includes('hidden'),
      )
    }
  })
})
