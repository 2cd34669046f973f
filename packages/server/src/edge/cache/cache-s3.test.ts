/** The cache in a whole server before a real S3: what is looked at again is not fetched again, and what is deleted is gone. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { jpeg } from '../../testing/photos.ts'
import { startTestServer } from '../../testing/server.ts'
import { complete, plan, putParts } from '../../testing/upload.ts'

const s3 = process.env.HELIOGRAPH_TEST_S3_URL ?? ''

test('a server before S3 keeps what it served, until the file is deleted', {
  skip: s3 === '' && 'no S3: npm run test:s3 brings one',
}, async () => {
  const url = new URL(s3)
  url.searchParams.set('prefix', `cache-${randomBytes(6).toString('hex')}`)
  // It asks the store again so rarely that only the purge can be what is seen.
  const server = await startTestServer({ OBJECT_STORE_URL: url.href, EDGE_CACHE_MAX_AGE: '3600' })
  try {
    const ann = await server.register('ann')
    const bytes = jpeg(9_000_000)
    const planned = await plan(ann, bytes)
    await putParts(planned.body, bytes)
    const { asset } = (await complete(ann, planned.body.id)).body
    await server.settleJobs()

    const filled = async () => {
      const text = await (await fetch(`${server.opsAddress}/metrics`)).text()
      return Number(/^heliograph_edge_cache_filled_bytes_total (\d+)$/m.exec(text)?.[1])
    }
    for (let turn = 0; turn < 3; turn++) {
      const got = await fetch(asset.urls.original)
      assert.deepEqual(Buffer.from(await got.bytes()), bytes)
    }
    assert.equal(await filled(), bytes.length)
    const range = await fetch(asset.urls.original, { headers: { range: 'bytes=8388600-8388620' } })
    assert.deepEqual(Buffer.from(await range.bytes()), bytes.subarray(8_388_600, 8_388_621))
    assert.equal(await filled(), bytes.length)

    assert.equal((await ann.call('DELETE', `/v1/assets/${asset.id}?permanent=true`)).status, 204)
    await server.settleJobs()
    assert.equal((await fetch(asset.urls.original)).status, 404)
    const left = await readdir(join(server.dataDir, 'cache'), { recursive: true, withFileTypes: true })
    assert.deepEqual(
      left.filter((entry) => entry.isFile()).map(({ name }) => name),
      [],
    )
  } finally {
    await server.close()
  }
})
