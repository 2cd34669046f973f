import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { jpeg, sha256 } from '../testing/photos.ts'
import { type Json, startTestServer, type TestAccount, type TestServer } from '../testing/server.ts'
import { complete, plan, putParts, storageOf, upload } from '../testing/upload.ts'

describe('an upload into an album', () => {
  let server: TestServer
  let ann: TestAccount
  let bob: TestAccount

  before(async () => {
    server = await startTestServer()
    ann = await server.register('ann')
    bob = await server.register('bob')
  })
  after(() => server.close())

  async function album(fields: object = {}): Promise<string> {
    const { body } = await ann.call('POST', '/v1/albums', { title: 'Party', ...fields })
    return body.id
  }

  async function shown(id: string): Promise<string[]> {
    const { body } = await ann.call('GET', `/v1/albums/${id}/assets`)
    return body.items.map((asset: Json) => asset.id)
  }

  async function planned(account: TestAccount, bytes: Uint8Array, albumId: string): Promise<string> {
    const answer = await plan(account, bytes, { albumId })
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
    await putParts(answer.body, bytes)
    return answer.body.id
  }

  test('is in it when it is complete, and says who brought it', async () => {
    const id = await album()
    await ann.call('PUT', `/v1/albums/${id}/members/bob`, { role: 'contributor' })
    const bytes = jpeg(400)
    const uploadId = await planned(bob, bytes, id)
    assert.deepEqual(await shown(id), [], 'not before')
    const answers = await Promise.all(Array.from({ length: 10 }, () => complete(bob, uploadId)))
    const asset = answers[0]?.body.asset
    assert.ok(answers.every(({ status }) => status < 300))
    const { body } = await ann.call('GET', `/v1/albums/${id}/assets`)
    assert.deepEqual(
      body.items.map((one: Json) => [one.id, one.addedBy]),
      [[asset.id, { handle: 'bob', name: 'bob', avatarUrl: null }]],
    )
    assert.equal((await bob.call('GET', `/v1/assets/${asset.id}`)).status, 200)
    assert.equal((await ann.call('GET', `/v1/assets/${asset.id}`)).status, 404, 'it is in the library of one')
  })

  test('is in it by streaming too', async () => {
    const id = await album()
    const answer = await ann.call('POST', `/v1/assets?filename=a.jpg&albumId=${id}`, jpeg(400), {
      'content-type': 'image/jpeg',
    })
    assert.equal(answer.status, 201)
    assert.deepEqual(await shown(id), [answer.body.asset.id])
  })

  test('puts in what the account has already: at the plan, at completion, and out of the trash', async () => {
    const bytes = jpeg(410)
    const asset = await upload(ann, bytes)
    const one = await album()
    const answered = await plan(ann, bytes, { sha256: sha256(bytes), albumId: one })
    assert.deepEqual([answered.status, answered.body.duplicateOf.id], [200, asset.id])
    assert.deepEqual(await shown(one), [asset.id])

    const two = await album()
    const completed = await complete(ann, await planned(ann, bytes, two))
    assert.deepEqual([completed.status, completed.body.asset.id], [200, asset.id])
    assert.deepEqual(await shown(two), [asset.id])

    const three = await album()
    await ann.call('DELETE', `/v1/assets/${asset.id}`)
    const again = await plan(ann, bytes, { sha256: sha256(bytes), albumId: three })
    assert.equal(again.status, 201, 'it is sent again rather than left in the trash')
    await putParts(again.body, bytes)
    assert.equal((await complete(ann, again.body.id)).body.asset.id, asset.id)
    assert.deepEqual(await shown(three), [asset.id])
    assert.equal((await storageOf(ann)).reservedBytes, 0)
  })

  test('is kept when the album is gone or closed to its owner meanwhile', async () => {
    const gone = await album()
    const one = await planned(ann, jpeg(420), gone)
    await ann.call('DELETE', `/v1/albums/${gone}`)
    assert.equal((await complete(ann, one)).status, 201)

    for (const close of [
      (id: string) => ann.call('DELETE', `/v1/albums/${id}/members/bob`),
      (id: string) => ann.call('PUT', `/v1/albums/${id}/members/bob`, { role: 'viewer' }),
    ]) {
      const id = await album()
      await ann.call('PUT', `/v1/albums/${id}/members/bob`, { role: 'contributor' })
      const upload = await planned(bob, jpeg(430), id)
      await close(id)
      const { status, body } = await complete(bob, upload)
      assert.equal(status, 201)
      assert.deepEqual(await shown(id), [])
      assert.equal((await bob.call('GET', `/v1/assets/${body.asset.id}`)).status, 200)
    }
  })

  test('is refused for what is not of the library, and reserves nothing where it is refused', async () => {
    const id = await album()
    const before = await storageOf(bob)
    assert.equal((await plan(ann, jpeg(300), { albumId: id, purpose: 'avatar' })).status, 400)
    assert.equal((await plan(bob, jpeg(300), { albumId: id })).status, 404)
    assert.equal((await plan(bob, jpeg(300), { albumId: crypto.randomUUID() })).status, 404)
    assert.deepEqual(await storageOf(bob), before)
  })

  test('of a hundred at once leaves all in it, with places of their own', async () => {
    const id = await album()
    await ann.call('PUT', `/v1/albums/${id}/members/bob`, { role: 'contributor' })
    const uploads: [TestAccount, string][] = []
    for (let index = 0; index < 50; index += 1) {
      for (const account of [ann, bob]) uploads.push([account, await planned(account, jpeg(300), id)])
    }
    const statuses = await Promise.all(uploads.map(async ([account, one]) => (await complete(account, one)).status))
    assert.deepEqual(new Set(statuses), new Set([201]))
    const { rows } = await server.engines.pool.query(
      'select count(*)::int as count, count(distinct position)::int as places from album_asset where album_id = $1',
      [id],
    )
    assert.deepEqual(rows, [{ count: 100, places: 100 }])
  })
})
