import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openStream } from '../events/testing/raw-stream.ts'
import { jpeg, sha256 } from '../testing/photos.ts'
import { type Json, startTestServer, type TestAccount, type TestServer } from '../testing/server.ts'
import { storageOf, upload } from '../testing/upload.ts'

describe('the library', () => {
  let server: TestServer
  let ann: TestAccount
  let clock = () => new Date()

  before(async () => {
    server = await startTestServer({}, { now: () => clock() })
    ann = await server.register('ann')
  })
  after(() => server.close())

  test('is listed newest capture first, page by page, without gap or repeat', async () => {
    const bob = await server.register('bob')
    // Several of one moment, so that the order between them matters.
    const times = ['2024-05-01T10:00:00Z', '2026-01-01T00:00:00Z', '2024-05-01T10:00:00Z', '2025-03-03T03:03:03.003Z']
    const expected: Json[] = []
    for (const capturedAt of [...times, ...times]) expected.push(await upload(bob, jpeg(300), { capturedAt }))
    expected.sort((one, other) =>
      one.capturedAt === other.capturedAt ? (one.id < other.id ? 1 : -1) : one.capturedAt < other.capturedAt ? 1 : -1,
    )
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const { body }: { body: Json } = await bob.call(
        'GET',
        `/v1/assets?limit=3${cursor === null ? '' : `&cursor=${cursor}`}`,
      )
      assert.ok(body.items.length <= 3)
      seen.push(...body.items.map((asset: Json) => asset.id))
      cursor = body.nextCursor
    } while (cursor !== null)
    assert.deepEqual(
      seen,
      expected.map((asset) => asset.id),
    )
    const months = await bob.call('GET', '/v1/timeline')
    assert.deepEqual(months.body.items, [
      { month: '2026-01', count: 2 },
      { month: '2025-03', count: 2 },
      { month: '2024-05', count: 4 },
    ])
    const spring = await bob.call('GET', '/v1/assets?from=2025-01-01T00:00:00Z&to=2025-12-31T00:00:00Z')
    assert.equal(spring.body.items.length, 2)
    assert.equal((await bob.call('GET', '/v1/assets?cursor=nonsense')).status, 400)
    const known = await bob.call('GET', `/v1/assets?ids=${expected[0].id},${expected[5].id}`)
    assert.equal(known.body.items.length, 2)
  })

  test('is edited with the version that was read, and not over a change in between', async () => {
    const asset = await upload(ann, jpeg(310))
    // Being processed changes it too.
    await server.settleJobs()
    const read = await ann.call('GET', `/v1/assets/${asset.id}`)
    const etag = read.headers.get('etag') ?? ''
    const edit = (body: Json, headers: Record<string, string>) =>
      ann.call('PATCH', `/v1/assets/${asset.id}`, body, headers)
    const first = await edit({ favorite: true, description: 'Beach' }, { 'if-match': etag })
    assert.equal(first.status, 200)
    assert.equal(first.body.description, 'Beach')
    assert.equal((await edit({ description: 'Lake' }, { 'if-match': etag })).status, 412)
    assert.equal((await edit({ description: 'Lake' }, { 'if-match': first.headers.get('etag') ?? '' })).status, 200)
    assert.equal((await edit({ description: null }, {})).body.description, null)
    assert.equal((await edit({}, {})).status, 400)
    const favorites = await ann.call('GET', '/v1/assets?favorite=true')
    assert.deepEqual(
      favorites.body.items.map((item: Json) => item.id),
      [asset.id],
    )
  })

  test('keeps what is in the trash for its time, gives it back, and purges it after 30 days', async () => {
    const kept = await upload(ann, jpeg(320))
    const purged = await upload(ann, jpeg(330))
    const before = await storageOf(ann)
    const { body } = await ann.call('POST', '/v1/assets/delete', { ids: [kept.id, purged.id, crypto.randomUUID()] })
    assert.equal(body.count, 2)
    assert.deepEqual(await storageOf(ann), before, 'the trash still counts')
    const trash = await ann.call('GET', '/v1/assets?trashed=true')
    assert.deepEqual(new Set(trash.body.items.map((item: Json) => item.id)), new Set([kept.id, purged.id]))
    const restored = await ann.call('POST', `/v1/assets/${kept.id}/restore`)
    assert.equal(restored.body.trashedAt, null)

    const due = await server.engines.pool.query(`select run_at from graphile_worker.jobs where key = $1`, [
      `asset:purge:${purged.id}`,
    ])
    const days = (due.rows[0].run_at.getTime() - Date.now()) / 86_400_000
    assert.ok(days > 29.9 && days <= 30, `${days}`)
    clock = () => new Date(Date.now() + 31 * 86_400_000)
    try {
      await server.engines.pool.query(
        `select graphile_worker.reschedule_jobs(array(select id from graphile_worker.jobs), now())`,
      )
      await server.settleJobs()
    } finally {
      clock = () => new Date()
    }
    assert.equal((await ann.call('GET', `/v1/assets/${purged.id}`)).status, 404)
    assert.equal((await ann.call('GET', `/v1/assets/${kept.id}`)).status, 200)
    assert.equal((await fetch(purged.urls.original)).status, 404)
    assert.equal((await storageOf(ann)).usedBytes, before.usedBytes - 330)
  })

  test('tells the event stream what a person does with it, many at once in one go', async () => {
    const dora = await server.register('dora')
    const ids = [(await upload(dora, jpeg(335))).id, (await upload(dora, jpeg(336))).id].toSorted()
    await server.settleJobs()
    const stream = await openStream(server.address, { authorization: `Bearer ${dora.token}` })
    // Those of the processing before may still come, where another writer held them back; they tell no version.
    const next = async () => {
      for (;;) {
        const event = await stream.next()
        if (event === null || event.data.data?.version !== undefined) return [event?.data.id, event?.data.state]
      }
    }
    try {
      await dora.call('PATCH', `/v1/assets/${ids[0]}`, { favorite: true })
      assert.deepEqual(await next(), [ids[0], 'ready'])
      await dora.call('POST', '/v1/assets/delete', { ids })
      const trashed = [await next(), await next()]
      assert.deepEqual(trashed.toSorted(), [
        [ids[0], 'trashed'],
        [ids[1], 'trashed'],
      ])
      await dora.call('POST', `/v1/assets/${ids[0]}/restore`)
      assert.deepEqual(await next(), [ids[0], 'ready'])
      await dora.call('DELETE', `/v1/assets/${ids[1]}?permanent=true`)
      assert.deepEqual(await next(), [ids[1], 'deleted'])
    } finally {
      stream.close()
    }
  })

  test('sent again while in the trash comes back as it was', async () => {
    const bytes = jpeg(340)
    const asset = await upload(ann, bytes)
    await ann.call('PATCH', `/v1/assets/${asset.id}`, { favorite: true })
    await ann.call('DELETE', `/v1/assets/${asset.id}`)
    const planned = await ann.call('POST', '/v1/uploads', {
      filename: 'a.jpg',
      size: bytes.length,
      contentType: 'image/jpeg',
      sha256: sha256(bytes),
    })
    assert.equal(planned.body.duplicateOf.id, asset.id)
    assert.notEqual(planned.body.duplicateOf.trashedAt, null)
    const streamed = await ann.call('POST', '/v1/assets?filename=a.jpg', bytes, { 'content-type': 'image/jpeg' })
    assert.equal(streamed.body.asset.id, asset.id)
    assert.equal(streamed.body.asset.trashedAt, null)
    assert.equal(streamed.body.asset.favorite, true)
  })

  test('shows an avatar to everyone who asks for the profile: a small copy under an address that stays', async () => {
    const bytes = jpeg(350)
    const asset = await upload(ann, bytes, { purpose: 'avatar' })
    assert.equal((await ann.call('PATCH', '/v1/accounts/me', { avatarAssetId: asset.id })).status, 200)
    await server.settleJobs()
    const avatarUrl = async () =>
      ((await (await fetch(`${server.address}/v1/accounts/ann`)).json()) as Json).avatarUrl as string | null
    const first = await avatarUrl()
    const avatar = await fetch(first ?? '')
    assert.deepEqual([avatar.status, avatar.headers.get('content-type')], [200, 'image/webp'])
    assert.equal(await avatarUrl(), first)
    assert.match(first ?? '', /\/public\/[0-9a-f]{32}\.webp$/)
    const library = await ann.call('GET', '/v1/assets?limit=500')
    assert.ok(!library.body.items.some((item: Json) => item.id === asset.id), 'and not among the photos')

    const other = await upload(ann, jpeg(351), { purpose: 'avatar' })
    await ann.call('PATCH', '/v1/accounts/me', { avatarAssetId: other.id })
    await server.settleJobs()
    assert.notEqual(await avatarUrl(), first)
    await ann.call('PATCH', '/v1/accounts/me', { avatarAssetId: null })
    await server.settleJobs()
    assert.equal(await avatarUrl(), null)
  })

  test('of several assets is downloaded as one ZIP, and of none of somebody else', async () => {
    const one = await upload(ann, jpeg(360), { filename: 'same.jpg' })
    const other = await upload(ann, jpeg(370), { filename: 'same.jpg' })
    const zip = await ann.call('POST', '/v1/assets/download', { ids: [one.id, other.id] })
    assert.equal(zip.status, 200)
    assert.equal(zip.headers.get('content-type'), 'application/zip')
    assert.ok(zip.body.includes('same.jpg') && zip.body.includes('same (2).jpg'))
    const cleo = await server.register('cleo')
    assert.equal((await cleo.call('POST', '/v1/assets/download', { ids: [one.id] })).status, 404)
  })
})
