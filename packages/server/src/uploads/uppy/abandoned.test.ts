/** An upload of unknown size that nobody finishes: its parts look like a file, and must not become one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jpeg } from '../../testing/photos.ts'
import { startTestServer } from '../../testing/server.ts'
import { storageOf } from '../../testing/upload.ts'

test('half the parts of a file are cleared when their time is over, not made an asset', async (t) => {
  let ahead = 0
  const server = await startTestServer({}, { now: () => new Date(Date.now() + ahead) })
  t.after(() => server.close())
  const account = await server.register('anna')
  const { body: token } = await account.call('POST', '/v1/accounts/me/tokens', {
    name: 'a web page',
    scopes: ['uploads:write'],
    expiresAt: null,
  })
  const base = `/v1/uppy/${token.token}/s3/multipart`
  const { body: created } = await account.call('POST', base, { filename: 'a.jpg', type: 'image/jpeg' })
  const query = new URLSearchParams({ key: created.key })
  const { body: signed } = await account.call('GET', `${base}/${created.uploadId}/1?${query}`)
  assert.equal((await fetch(signed.url, { method: 'PUT', body: new Uint8Array(jpeg(5000)) })).status, 200)

  ahead = 25 * 3_600_000
  await server.engines.jobs.enqueue(server.engines.db, 'uploads:expire', {})
  await server.settleJobs()
  const { rows } = await server.engines.pool.query('select state from upload where id = $1', [created.uploadId])
  assert.deepEqual(rows, [{ state: 'expired' }])
  assert.deepEqual((await account.call('GET', '/v1/assets')).body.items, [])
  const { usedBytes, reservedBytes } = await storageOf(account)
  assert.deepEqual({ usedBytes, reservedBytes }, { usedBytes: 0, reservedBytes: 0 })
})
