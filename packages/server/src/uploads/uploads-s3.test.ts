/** The direct upload against a real S3: bytes go to the store itself, and the server only looks at what arrived. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { jpeg, sha256 } from '../testing/photos.ts'
import { startTestServer, type TestAccount, type TestServer } from '../testing/server.ts'
import { complete, plan, putPart, putParts, storageOf, upload } from '../testing/upload.ts'

const s3 = process.env.HELIOGRAPH_TEST_S3_URL ?? ''
const skip = s3 === '' ? 'no S3: npm run test:s3 brings one' : false

describe('an upload straight to S3', { skip }, () => {
  let server: TestServer
  let ann: TestAccount

  before(async () => {
    const url = new URL(s3)
    url.searchParams.set('prefix', `uploads-${randomBytes(6).toString('hex')}`)
    server = await startTestServer({ OBJECT_STORE_URL: url.href })
    ann = await server.register('ann')
  })
  after(() => server.close())

  const objects = async () => {
    let count = 0
    for await (const _ of server.engines.store.list('originals/')) count += 1
    return count
  }

  test('goes past the server, and back out through the edge', async () => {
    const bytes = jpeg(50_000)
    const planned = await plan(ann, bytes, { sha256: sha256(bytes) })
    const urls = planned.body.transfer.parts[0].urls
    assert.deepEqual(
      urls.map((url: { endpoint: string }) => url.endpoint),
      ['direct', 'edge'],
    )
    assert.notEqual(new URL(urls[0].url).host, new URL(server.address).host)
    await putParts(planned.body, bytes)
    const { status, body } = await complete(ann, planned.body.id)
    assert.equal(status, 201)
    assert.equal(body.asset.sha256, sha256(bytes))
    const part = await fetch(body.asset.urls.original, { headers: { range: 'bytes=100-199' } })
    assert.equal(part.status, 206)
    assert.deepEqual(Buffer.from(await part.arrayBuffer()), bytes.subarray(100, 200))
  })

  test('can take the edge instead, part by part', async () => {
    const bytes = jpeg(9 * 1024 * 1024)
    const planned = await plan(ann, bytes, { strategy: 'multipart' })
    const [first, second] = planned.body.transfer.parts
    assert.equal((await putPart(first, bytes.subarray(0, first.size))).status, 200)
    const byEdge = { ...second, urls: second.urls.filter((url: { endpoint: string }) => url.endpoint === 'edge') }
    assert.equal((await putPart(byEdge, bytes.subarray(first.size))).status, 200)
    assert.equal((await complete(ann, planned.body.id)).status, 201)
  })

  test('without a declared checksum gets its SHA-256 from the worker, and equal files are both kept', async () => {
    const bytes = jpeg(40_000)
    const first = await plan(ann, bytes)
    const second = await plan(ann, bytes)
    for (const planned of [first, second]) {
      await putParts(planned.body, bytes)
      assert.equal((await complete(ann, planned.body.id)).status, 201)
    }
    await server.settleJobs()
    const { body } = await ann.call('GET', '/v1/assets')
    const equal = body.items.filter((asset: { sha256: string }) => asset.sha256 === sha256(bytes))
    assert.equal(equal.length, 2)
    assert.ok(equal.every((asset: { state: string }) => asset.state === 'ready'))
    const again = await plan(ann, bytes, { sha256: sha256(bytes) })
    assert.equal(again.status, 200)
  })

  test('with a wrong checksum is refused, and its bytes go', async () => {
    const before = { objects: await objects(), storage: await storageOf(ann) }
    const bytes = jpeg(30_000)
    const planned = await plan(ann, bytes, { sha256: sha256(jpeg(30_000)) })
    await putParts(planned.body, bytes)
    const answer = await complete(ann, planned.body.id)
    // A store that checks refuses the PUT itself; then there is nothing to complete.
    assert.ok(answer.status === 422 || answer.status === 409, `answered ${answer.status}`)
    if (answer.status === 409) await ann.call('DELETE', `/v1/uploads/${planned.body.id}`)
    await server.settleJobs()
    assert.equal(await objects(), before.objects)
    assert.deepEqual(await storageOf(ann), before.storage)
  })

  test('cannot be changed by its URLs after it is complete', async () => {
    const bytes = jpeg(20_000)
    const planned = await plan(ann, bytes)
    await putParts(planned.body, bytes)
    const { body } = await complete(ann, planned.body.id)
    assert.equal((await putPart(planned.body.transfer.parts[0], jpeg(20_000))).status, 412)
    const large = jpeg(9 * 1024 * 1024)
    const multipart = await plan(ann, large, { strategy: 'multipart' })
    await putParts(multipart.body, large)
    assert.equal((await complete(ann, multipart.body.id)).status, 201)
    const [, second] = multipart.body.transfer.parts
    assert.equal((await putPart(second, Buffer.alloc(second.size))).status, 404)
    const original = await fetch(body.asset.urls.original)
    assert.deepEqual(Buffer.from(await original.arrayBuffer()), bytes)
  })

  test('aborted in the middle leaves no object and no part', async () => {
    const bytes = jpeg(9 * 1024 * 1024)
    const planned = await plan(ann, bytes, { strategy: 'multipart' })
    const [first] = planned.body.transfer.parts
    await putPart(first, bytes.subarray(0, first.size))
    assert.deepEqual((await ann.call('GET', `/v1/uploads/${planned.body.id}`)).body.received, [
      { number: 1, size: first.size },
    ])
    assert.equal((await ann.call('DELETE', `/v1/uploads/${planned.body.id}`)).status, 204)
    await server.settleJobs()
    const open: string[] = []
    for await (const multipart of server.engines.store.listMultiparts()) open.push(multipart.key)
    assert.deepEqual(open, [])
  })

  test('streamed through the server arrives whole, with and without a length', async () => {
    const bytes = jpeg(6 * 1024 * 1024)
    const headers = { 'content-type': 'image/jpeg' }
    const known = await ann.call('POST', '/v1/assets?filename=a.jpg', bytes, headers)
    assert.equal(known.status, 201)
    assert.equal(known.body.asset.sha256, sha256(bytes))
    const other = jpeg(18 * 1024 * 1024)
    const unknown = await ann.call(
      'POST',
      '/v1/assets?filename=b.jpg',
      new Blob([new Uint8Array(other)]).stream(),
      headers,
    )
    assert.equal(unknown.status, 201)
    assert.equal(unknown.body.asset.sha256, sha256(other))
  })

  test('deleted for good is gone from the store', async () => {
    const before = await objects()
    const asset = await upload(ann, jpeg(10_000))
    assert.equal(await objects(), before + 1)
    assert.equal((await ann.call('DELETE', `/v1/assets/${asset.id}?permanent=true`)).status, 204)
    await server.settleJobs()
    assert.equal(await objects(), before)
    assert.equal((await fetch(asset.urls.original)).status, 404)
  })
})
