/** Uppy never repeats a signing call: a store that is away for a moment must not end an upload. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ObjectStore, ObjectStoreError } from '../../engines/object-store/index.ts'
import { startTestServer } from '../../testing/server.ts'

test('a store that does not answer once or twice goes unnoticed, one that stays away is told', async (t) => {
  let failures = 0
  const stumble = () => {
    if (failures === 0) return
    failures -= 1
    throw new ObjectStoreError('unavailable', 'The store is away')
  }
  const stumbling = (store: ObjectStore): ObjectStore => ({
    ...store,
    async createMultipart(key, options) {
      stumble()
      return store.createMultipart(key, options)
    },
    async listParts(key, uploadId) {
      stumble()
      return store.listParts(key, uploadId)
    },
  })
  const server = await startTestServer({}, { store: stumbling })
  t.after(() => server.close())
  const account = await server.register('anna')
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
  const { body: token } = await account.call('POST', '/v1/accounts/me/tokens', {
    name: 'a web page',
    scopes: ['uploads:write'],
    expiresAt,
  })
  const base = `${server.address}/v1/uppy/${token.token}/s3/multipart`
  const create = () =>
    fetch(base, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ filename: 'a.jpg', type: 'image/jpeg', metadata: {} }),
    })

  failures = 2
  const created = await create()
  assert.equal(created.status, 200)
  const { uploadId, key } = await created.json()
  failures = 2
  const listed = await fetch(`${base}/${uploadId}?${new URLSearchParams({ key })}`)
  assert.deepEqual(await listed.json(), [])

  failures = Number.POSITIVE_INFINITY
  const refused = await create()
  assert.equal(refused.status, 503)
  assert.ok(Number(refused.headers.get('retry-after')) > 0)
  assert.match(refused.headers.get('content-type') ?? '', /problem\+json/)
})
