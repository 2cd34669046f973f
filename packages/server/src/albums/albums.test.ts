import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { jpeg } from '../testing/photos.ts'
import { type Json, startTestServer, type TestAccount, type TestServer } from '../testing/server.ts'
import { upload } from '../testing/upload.ts'

describe('an album', () => {
  let server: TestServer
  let ann: TestAccount
  let bob: TestAccount

  before(async () => {
    server = await startTestServer()
    ann = await server.register('ann')
    bob = await server.register('bob')
  })
  after(() => server.close())

  const at = (minute: number) => new Date(Date.UTC(2025, 5, 1, 12, minute)).toISOString()

  async function photos(account: TestAccount, minutes: number[]): Promise<string[]> {
    const made: string[] = []
    for (const minute of minutes) made.push((await upload(account, jpeg(300), { capturedAt: at(minute) })).id)
    return made
  }

  async function create(account: TestAccount, fields: object = {}): Promise<Json> {
    const { status, body } = await account.call('POST', '/v1/albums', { title: 'Summer', ...fields })
    assert.equal(status, 201, JSON.stringify(body))
    return body
  }

  async function read(account: TestAccount, id: string): Promise<Json> {
    const { status, body } = await account.call('GET', `/v1/albums/${id}`)
    assert.equal(status, 200, JSON.stringify(body))
    return body
  }

  async function shown(account: TestAccount, id: string, limit = 500): Promise<string[]> {
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const query: string = cursor === null ? '' : `&cursor=${cursor}`
      const { status, body } = await account.call('GET', `/v1/albums/${id}/assets?limit=${limit}${query}`)
      assert.equal(status, 200, JSON.stringify(body))
      seen.push(...body.items.map((asset: Json) => asset.id))
      cursor = body.nextCursor
    } while (cursor !== null)
    return seen
  }

  test('is created with photos of its owner, once for a key', async () => {
    const [one = '', two = ''] = await photos(ann, [1, 2])
    const [foreign = ''] = await photos(bob, [3])
    const fields = { title: '  Our summer ', description: 'By the sea', assetIds: [one, two, foreign] }
    const made = await ann.call('POST', '/v1/albums', fields, { 'idempotency-key': 'summer' })
    const again = await ann.call('POST', '/v1/albums', fields, { 'idempotency-key': 'summer' })
    assert.deepEqual([made.status, again.body.id], [201, made.body.id])
    assert.equal(made.headers.get('etag'), '"1"')
    assert.equal(made.headers.get('location'), `/v1/albums/${made.body.id}`)
    const { id, createdAt, updatedAt, ...rest } = made.body
    assert.equal(createdAt, updatedAt)
    assert.deepEqual(rest, {
      title: 'Our summer',
      description: 'By the sea',
      coverUrl: null,
      coverAssetId: two,
      coverThumbhash: null,
      assetCount: 2,
      role: 'owner',
      order: 'newest',
      shareLocation: false,
      owner: { handle: 'ann', name: 'ann', avatarUrl: null },
      memberCount: 0,
      hasLinks: false,
      capturedFrom: at(1),
      capturedTo: at(2),
    })
    assert.deepEqual((await read(ann, id)).members, [])
    for (const title of ['', '   ', 'x'.repeat(201), 'a\u0000b']) {
      assert.equal((await ann.call('POST', '/v1/albums', { title })).status, 400, JSON.stringify(title))
    }
  })

  test('shows its photos in its order, page by page, without gap or repeat', async () => {
    // Several of one moment, so that the order between them matters.
    const ids = await photos(ann, [5, 1, 5, 3, 1])
    const { id } = await create(ann, { assetIds: ids })
    const minutes = new Map(ids.map((one, index) => [one, [5, 1, 5, 3, 1][index] ?? 0]))
    const oldest = ids.toSorted(
      (one, other) => (minutes.get(one) ?? 0) - (minutes.get(other) ?? 0) || (one < other ? -1 : 1),
    )
    assert.deepEqual(await shown(ann, id, 2), oldest.toReversed())
    await ann.call('PATCH', `/v1/albums/${id}`, { order: 'oldest' })
    assert.deepEqual(await shown(ann, id, 2), oldest)
    await ann.call('PATCH', `/v1/albums/${id}`, { order: 'custom' })
    assert.deepEqual(await shown(ann, id, 2), ids, 'as they were added')
    for (const cursor of ['nonsense', btoa('["newest",1,"x"]'), btoa('null'), btoa('{}')]) {
      assert.equal((await ann.call('GET', `/v1/albums/${id}/assets?cursor=${cursor}`)).status, 400, cursor)
    }
  })

  test('is read on in the order in which the reading began', async () => {
    const ids = await photos(ann, [1, 2, 3, 4])
    const { id } = await create(ann, { assetIds: ids })
    const first = await ann.call('GET', `/v1/albums/${id}/assets?limit=2`)
    await ann.call('PATCH', `/v1/albums/${id}`, { order: 'oldest' })
    const second = await ann.call('GET', `/v1/albums/${id}/assets?limit=2&cursor=${first.body.nextCursor}`)
    const seen = [...first.body.items, ...second.body.items].map((asset: Json) => asset.id)
    assert.deepEqual(seen, ids.toReversed())
  })

  test('hides what is in the trash, shows it when it is restored, and forgets what is purged', async () => {
    const ids = await photos(ann, [1, 2, 3])
    const [first = '', second = '', third = ''] = ids
    const { id } = await create(ann, { assetIds: ids })
    await ann.call('DELETE', `/v1/assets/${third}`)
    assert.deepEqual(await shown(ann, id), [second, first])
    const { assetCount, coverAssetId, capturedTo } = await read(ann, id)
    assert.deepEqual([assetCount, coverAssetId, capturedTo], [2, second, at(2)])
    assert.equal((await ann.call('GET', `/v1/albums/${id}/assets/${third}`)).status, 404)
    const restored = await ann.call('POST', '/v1/assets/restore', { ids: [third, first, crypto.randomUUID()] })
    assert.deepEqual(restored.body, { count: 2 })
    assert.deepEqual(await shown(ann, id), [third, second, first])
    await ann.call('DELETE', `/v1/assets/${third}?permanent=true`)
    assert.deepEqual(await shown(ann, id), [second, first])
    await ann.call('POST', '/v1/assets/delete', { ids: [first, second], permanent: true })
    const { assetCount: none, coverAssetId: noCover, capturedFrom } = await read(ann, id)
    assert.deepEqual([none, noCover, capturedFrom], [0, null, null])
  })

  test('follows the time of capture, and hides the video of a Live Photo', async () => {
    const ids = await photos(ann, [1, 2, 3])
    const [first = '', second = '', third = ''] = ids
    const { id } = await create(ann, { assetIds: ids })
    await ann.call('PATCH', `/v1/assets/${first}`, { capturedAt: at(10) })
    assert.deepEqual(await shown(ann, id), [first, third, second])
    await server.engines.pool.query('update asset set motion_of = $1 where id = $2', [first, second])
    assert.deepEqual(await shown(ann, id), [first, third])
    assert.equal((await read(ann, id)).assetCount, 2)
    assert.equal((await ann.call('PUT', `/v1/albums/${id}/assets`, { assetIds: [second] })).body.count, 0)
  })

  test('has the cover its owner chooses from it, else the first it shows', async () => {
    const ids = await photos(ann, [1, 2])
    const [first = '', second = ''] = ids
    const [outside = ''] = await photos(ann, [3])
    const { id } = await create(ann, { assetIds: ids })
    await server.settleJobs()
    const chosen = await ann.call('PATCH', `/v1/albums/${id}`, { coverAssetId: first })
    assert.deepEqual([chosen.status, chosen.body.coverAssetId], [200, first])
    assert.equal((await fetch(chosen.body.coverUrl)).headers.get('content-type'), 'image/webp')
    assert.equal(typeof chosen.body.coverThumbhash, 'string')
    for (const coverAssetId of [outside, crypto.randomUUID()]) {
      assert.equal((await ann.call('PATCH', `/v1/albums/${id}`, { coverAssetId })).status, 400)
    }
    await ann.call('DELETE', `/v1/assets/${first}`)
    assert.equal((await read(ann, id)).coverAssetId, second, 'no cover from the trash')
    await ann.call('POST', `/v1/assets/${first}/restore`)
    assert.equal((await read(ann, id)).coverAssetId, first)
    await ann.call('DELETE', `/v1/albums/${id}/assets`, { assetIds: [first] })
    await ann.call('PUT', `/v1/albums/${id}/assets`, { assetIds: [first] })
    assert.equal((await read(ann, id)).coverAssetId, second, 'taken out, it was no cover any more')
  })

  test('takes each photo once, however many add it at once, and none of others', async () => {
    const ids = await photos(ann, [1, 2, 3, 4, 5])
    const [foreign = ''] = await photos(bob, [1])
    const [trashed = ''] = await photos(ann, [6])
    await ann.call('DELETE', `/v1/assets/${trashed}`)
    const { id } = await create(ann)
    const add = () => ann.call('PUT', `/v1/albums/${id}/assets`, { assetIds: [...ids, foreign, trashed, ids[0]] })
    const answers = await Promise.all(Array.from({ length: 12 }, add))
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
    assert.equal(
      answers.reduce((sum, { body }) => sum + body.count, 0),
      5,
    )
    assert.deepEqual(await shown(ann, id), ids.toReversed())
    assert.equal((await ann.call('DELETE', `/v1/albums/${id}/assets`, { assetIds: [ids[0], foreign] })).status, 204)
    assert.deepEqual(await shown(ann, id), ids.slice(1).toReversed())
    assert.equal((await ann.call('GET', `/v1/assets/${ids[0]}`)).status, 200, 'it stays in the library')
  })

  test('is edited and deleted with the version that was read; what is in it is no part of that', async () => {
    const { id, updatedAt } = await create(ann)
    const { headers } = await ann.call('GET', `/v1/albums/${id}`)
    const [photo = ''] = await photos(ann, [1])
    await ann.call('PUT', `/v1/albums/${id}/assets`, { assetIds: [photo] })
    assert.ok((await read(ann, id)).updatedAt > updatedAt, 'it is changed when something is added')
    const match = { 'if-match': headers.get('etag') ?? '' }
    const edited = await ann.call('PATCH', `/v1/albums/${id}`, { title: 'Autumn', description: null }, match)
    assert.deepEqual([edited.status, edited.body.title, edited.headers.get('etag')], [200, 'Autumn', '"2"'])
    assert.equal((await ann.call('PATCH', `/v1/albums/${id}`, { title: 'Winter' }, match)).status, 412)
    assert.equal((await ann.call('DELETE', `/v1/albums/${id}`, undefined, match)).status, 412)
    assert.equal((await ann.call('DELETE', `/v1/albums/${id}`, undefined, { 'if-match': '"2"' })).status, 204)
    assert.equal((await ann.call('GET', `/v1/albums/${id}`)).status, 404)
    assert.equal((await ann.call('GET', `/v1/assets/${photo}`)).status, 200)
  })

  test('is listed last changed first with those that others share, and by what it shows', async () => {
    const [cleo, dan] = [await server.register('cleo'), await server.register('dan')]
    const [photo = ''] = await photos(cleo, [1])
    const own: string[] = []
    for (let index = 0; index < 3; index += 1) own.push((await create(cleo)).id)
    const shared = await create(dan)
    await create(dan)
    await dan.call('PUT', `/v1/albums/${shared.id}/members/cleo`, { role: 'contributor' })
    await cleo.call('PUT', `/v1/albums/${own[0]}/assets`, { assetIds: [photo] })
    const listed: string[] = []
    let cursor: string | null = null
    do {
      const query: string = cursor === null ? '' : `&cursor=${cursor}`
      const { body } = await cleo.call('GET', `/v1/albums?limit=3${query}`)
      listed.push(...body.items.map((album: Json) => `${album.id} ${album.role} ${album.owner.handle}`))
      cursor = body.nextCursor
    } while (cursor !== null)
    assert.deepEqual(listed, [
      `${own[0]} owner cleo`,
      `${shared.id} contributor dan`,
      `${own[2]} owner cleo`,
      `${own[1]} owner cleo`,
    ])
    const showing = await cleo.call('GET', `/v1/albums?asset=${photo}`)
    assert.deepEqual(
      showing.body.items.map((album: Json) => album.id),
      [own[0]],
    )
    assert.deepEqual((await dan.call('GET', `/v1/albums?asset=${photo}`)).body.items, [])
  })

  test('filters the library of whoever belongs to it', async () => {
    const [one = '', two = ''] = await photos(ann, [1, 2])
    const { id } = await create(ann, { assetIds: [one] })
    const { body } = await ann.call('GET', `/v1/assets?album=${id}`)
    assert.deepEqual(
      body.items.map((asset: Json) => asset.id),
      [one],
    )
    assert.ok(two !== one)
    assert.equal((await bob.call('GET', `/v1/assets?album=${id}`)).status, 404)
    await ann.call('PUT', `/v1/albums/${id}/members/bob`, { role: 'viewer' })
    assert.deepEqual((await bob.call('GET', `/v1/assets?album=${id}`)).body.items, [])
  })

  test('stays true to its photos, and answers everybody, whatever is done at once', async () => {
    const ids = await photos(
      ann,
      Array.from({ length: 24 }, (_, index) => index),
    )
    const albums = [await create(ann, { assetIds: ids }), await create(ann, { assetIds: ids.toReversed() })]
    const purged = ids.slice(20)
    const some = (start: number) => [...ids, ...ids].slice(start, start + 12)
    const calls: Promise<{ status: number; body: Json }>[] = []
    for (let turn = 0; turn < 20; turn += 1) {
      const { id } = albums[turn % 2]
      const before = ids[(turn * 7) % 20] ?? null
      const moved = some(turn).filter((one) => one !== before)
      calls.push(
        ann.call('POST', '/v1/assets/delete', { ids: some(turn) }),
        ann.call('POST', '/v1/assets/restore', { ids: some(turn).toReversed() }),
        ann.call('POST', `/v1/albums/${id}/assets/move`, { assetIds: moved, before }),
        ann.call('PUT', `/v1/albums/${id}/assets`, { assetIds: some(turn + 3).toReversed() }),
        ann.call('DELETE', `/v1/albums/${id}/assets`, { assetIds: some((turn * 5) % 24) }),
        ann.call('PATCH', `/v1/albums/${id}`, { order: turn % 3 === 0 ? 'oldest' : 'newest' }),
        ann.call('PATCH', `/v1/assets/${ids[turn]}`, { capturedAt: at(60 - turn) }),
      )
    }
    calls.push(ann.call('POST', '/v1/assets/delete', { ids: purged, permanent: true }))
    for (const { status, body } of await Promise.all(calls)) {
      assert.ok([200, 204, 404].includes(status), `${status} ${JSON.stringify(body)}`)
    }
    const { rows } = await server.engines.pool.query(
      `select asset.id from album_asset join asset on asset.id = album_asset.asset_id
       where album_asset.captured_at <> asset.captured_at
          or visible <> (asset.trashed_at is null and asset.motion_of is null)`,
    )
    assert.deepEqual(rows, [])
    await ann.call('POST', '/v1/assets/restore', { ids })
    for (const { id } of albums) {
      await ann.call('PUT', `/v1/albums/${id}/assets`, { assetIds: ids })
      assert.deepEqual((await shown(ann, id, 7)).toSorted(), ids.slice(0, 20).toSorted())
      assert.equal((await read(ann, id)).assetCount, 20)
    }
  })

  test('is told of in the history', async () => {
    const { id } = await create(ann)
    const [photo = ''] = await photos(ann, [1])
    await ann.call('PUT', `/v1/albums/${id}/assets`, { assetIds: [photo] })
    await ann.call('PATCH', `/v1/albums/${id}`, { title: 'Told' })
    await ann.call('PUT', `/v1/albums/${id}/members/bob`, { role: 'viewer' })
    await bob.call('DELETE', `/v1/albums/${id}/members/bob`)
    await ann.call('DELETE', `/v1/albums/${id}/assets`, { assetIds: [photo] })
    await ann.call('DELETE', `/v1/albums/${id}`)
    const { rows } = await server.engines.pool.query(
      `select action, actor_id, object_id from history_event where object_id like $1 order by at, id`,
      [`${id}%`],
    )
    assert.deepEqual(
      rows.map((row) => [row.action, row.actor_id, row.object_id]),
      [
        ['album.create', ann.id, id],
        ['album.add', ann.id, id],
        ['album.update', ann.id, id],
        ['member.add', ann.id, `${id}/${bob.id}`],
        ['member.remove', bob.id, `${id}/${bob.id}`],
        ['album.remove', ann.id, id],
        ['album.delete', ann.id, id],
      ],
    )
  })

  test('ends with the account of its owner, whose photos leave the albums of others at once', async () => {
    const [eve, fay] = [await server.register('eve'), await server.register('fay')]
    const [hers = ''] = await photos(eve, [1])
    const [other = ''] = await photos(fay, [2])
    const ending = await create(eve, { assetIds: [hers] })
    const staying = await create(fay, { assetIds: [other] })
    await eve.call('PUT', `/v1/albums/${ending.id}/members/fay`, { role: 'contributor' })
    await fay.call('PUT', `/v1/albums/${ending.id}/assets`, { assetIds: [other] })
    await fay.call('PUT', `/v1/albums/${staying.id}/members/eve`, { role: 'contributor' })
    await eve.call('PUT', `/v1/albums/${staying.id}/assets`, { assetIds: [hers] })
    assert.equal((await read(fay, staying.id)).assetCount, 2)
    assert.equal((await eve.call('DELETE', '/v1/accounts/me')).status, 204)
    assert.equal((await fay.call('GET', `/v1/albums/${ending.id}`)).status, 404)
    const { assetCount, members } = await read(fay, staying.id)
    assert.deepEqual([assetCount, members], [1, []])
    assert.deepEqual(await shown(fay, staying.id), [other])
    assert.equal((await fay.call('GET', `/v1/assets/${other}`)).status, 200)
    await server.settleJobs()
    assert.deepEqual(await shown(fay, staying.id), [other])
  })
})

describe('many assets at once', () => {
  let server: TestServer
  before(async () => {
    server = await startTestServer()
  })
  after(() => server.close())

  test('are favourites, or are not, and those of others stay as they are', async () => {
    const [ann, bob] = [await server.register('ann'), await server.register('bob')]
    const ids: string[] = []
    for (let index = 0; index < 3; index += 1) ids.push((await upload(ann, jpeg(300))).id)
    const mark = (account: TestAccount, favorite: boolean) =>
      account.call('PATCH', '/v1/assets', { ids: [...ids, crypto.randomUUID()], favorite })
    assert.deepEqual((await mark(ann, true)).body, { count: 3 })
    assert.deepEqual((await mark(ann, true)).body, { count: 3 })
    assert.deepEqual((await mark(bob, false)).body, { count: 0 })
    assert.equal((await ann.call('GET', '/v1/assets?favorite=true')).body.items.length, 3)
    assert.deepEqual((await mark(ann, false)).body, { count: 3 })
    assert.equal((await ann.call('GET', '/v1/assets?favorite=true')).body.items.length, 0)
    await ann.call('POST', '/v1/assets/delete', { ids })
    assert.deepEqual((await bob.call('POST', '/v1/assets/restore', { ids })).body, { count: 0 })
    assert.equal((await ann.call('GET', '/v1/assets')).body.items.length, 0)
    assert.deepEqual((await ann.call('POST', '/v1/assets/restore', { ids })).body, { count: 3 })
    assert.equal((await ann.call('GET', '/v1/assets')).body.items.length, 3)
    const { rows } = await server.engines.pool.query(
      `select key from graphile_worker.jobs where key like 'asset:purge:%'`,
    )
    assert.deepEqual(rows, [])
  })
})
