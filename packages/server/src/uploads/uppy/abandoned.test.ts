/** Uploads of unknown size that nobody finishes: what came of them looks like a file, and must not become one. */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { jpeg, sha256 } from '../../testing/photos.ts'
import { startTestServer, type TestAccount } from '../../testing/server.ts'
import { storageOf } from '../../testing/upload.ts'

async function uploadToken(account: TestAccount): Promise<string> {
  const fields = { name: 'a web page', scopes: ['uploads:write'], expiresAt: null }
  const { body } = await account.call('POST', '/v1/accounts/me/tokens', fields)
  return body.token
}

test('half the parts of a file are cleared when their time is over, not made an asset', async (t) => {
  let ahead = 0
  const server = await startTestServer({}, { now: () => new Date(Date.now() + ahead) })
  t.after(() => server.close())
  const account = await server.register('anna')
  const base = `/v1/uppy/${await uploadToken(account)}/s3/multipart`
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

test('a form that breaks off in the middle of its file leaves nothing, and may be sent again', async (t) => {
  const server = await startTestServer()
  t.after(() => server.close())
  const account = await server.register('anna')
  const base = `${server.address}/v1/uppy/${await uploadToken(account)}/s3`
  const { url, fields } = await (await fetch(`${base}/params?filename=a.jpg&type=image/jpeg`)).json()
  const bytes = jpeg(3_000_000)
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.set(name, String(value))
  form.set('file', new File([new Uint8Array(bytes)], 'a.jpg', { type: 'image/jpeg' }))
  const encoded = new Response(form)
  const body = Buffer.from(await encoded.arrayBuffer())
  const headers = { 'content-type': encoded.headers.get('content-type') ?? '', 'content-length': body.length }

  const sending = request(url, { method: 'POST', headers }).on('error', () => undefined)
  await new Promise((resolve) => sending.write(body.subarray(0, 2_000_000), resolve))
  while ((await storageOf(account)).reservedBytes === 0) await delay(20)
  sending.destroy()
  while ((await storageOf(account)).reservedBytes > 0) await delay(20)
  assert.deepEqual((await account.call('GET', '/v1/assets')).body.items, [])

  const whole = await fetch(url, { method: 'POST', headers: { 'content-type': headers['content-type'] }, body })
  assert.equal(whole.status, 201)
  const { location } = await whole.json()
  const asset = await account.call('GET', location)
  assert.equal(sha256((await account.call('GET', asset.body.urls.original)).body), sha256(bytes))
  assert.equal((await storageOf(account)).usedBytes, bytes.length)

  const noFile = await fetch(url, { method: 'POST', body: new URLSearchParams({ key: 'k' }) })
  assert.equal(noFile.status, 415)
  const empty = new FormData()
  empty.set('key', 'k')
  assert.equal((await fetch(url, { method: 'POST', body: empty })).status, 400)
})
