import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openStream, type RawStream } from '../events/testing/raw-stream.ts'
import { jpeg, sha256 } from '../testing/photos.ts'
import { startTestServer, type TestAccount, type TestServer } from '../testing/server.ts'
import { complete, plan, putParts } from '../testing/upload.ts'

let server: TestServer
let ann: TestAccount
let stream: RawStream

before(async () => {
  server = await startTestServer()
  ann = await server.register('ann')
  stream = await openStream(server.address, { authorization: `Bearer ${ann.token}` })
})
after(async () => {
  stream.close()
  await server.close()
})

/** What the stream says of uploads; renditions speak of assets in between. */
async function nextOfUploads() {
  for (;;) {
    const event = await stream.next()
    if (event?.event !== 'asset.updated') return { type: event?.event, ...event?.data }
  }
}

test('the stream says when an upload is completed, and which asset it became', async () => {
  const bytes = jpeg(1_000)
  const first = (await plan(ann, bytes)).body
  // Planned without its checksum, so that only the completion finds out that the bytes are there already.
  const second = (await plan(ann, bytes)).body
  await putParts(first, bytes)
  await putParts(second, bytes)
  const { asset } = (await complete(ann, first.id)).body
  const said = { type: 'upload.updated', state: 'completed', data: { assetId: asset.id } }
  assert.deepEqual(await nextOfUploads(), { ...said, id: first.id })
  assert.equal((await complete(ann, second.id)).body.asset.id, asset.id)
  assert.deepEqual(await nextOfUploads(), { ...said, id: second.id })
  // Repeating changes nothing, so nothing is said: the next event is that of another upload.
  await complete(ann, first.id)
  const { body: third } = await plan(ann, jpeg(200))
  await ann.call('DELETE', `/v1/uploads/${third.id}`)
  assert.deepEqual(await nextOfUploads(), {
    type: 'upload.updated',
    id: third.id,
    state: 'aborted',
    data: { failure: null },
  })
})

test('the stream says when an upload ends for its bytes, or for its time', async () => {
  const text = Buffer.from('not a photo at all, whatever its name says'.repeat(20))
  const { body: wrong } = await plan(ann, text, { sha256: sha256(text) })
  await putParts(wrong, text)
  assert.equal((await complete(ann, wrong.id)).status, 422)
  const { state, data, id } = await nextOfUploads()
  assert.deepEqual({ id, state, data }, { id: wrong.id, state: 'aborted', data: { failure: 'content-mismatch' } })

  const { body: late } = await plan(ann, jpeg(300))
  await server.engines.pool.query(`update upload set expires_at = now() - interval '1 second' where id = $1`, [late.id])
  await server.engines.jobs.enqueue(server.engines.db, 'uploads:expire', {})
  const expired = await nextOfUploads()
  assert.equal(expired.id, late.id)
  assert.equal(expired.state, 'expired')
})
