/** What people without an account send by a link: where it goes, what they learn, and when it ends. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, beforeEach, describe, it } from 'node:test'
import { createClient, createUploader } from '@heliograph/client'
import { openStream } from '../events/testing/raw-stream.ts'
import { jpeg, sha256 } from '../testing/photos.ts'
import { type Json, startTestServer, type TestAccount, type TestAnswer, type TestServer } from '../testing/server.ts'
import { putParts, storageOf, upload } from '../testing/upload.ts'
import { bearer, unlock, type VisitorCall, visitorOf } from './testing/shared-album.ts'

describe('a guest', () => {
  const clock = { ahead: 0 }
  let server: TestServer
  let ann: TestAccount
  let albumId: string
  let token: string
  let visit: VisitorCall

  before(async () => {
    server = await startTestServer({ MAX_FILE_SIZE: '1000000' }, { now: () => new Date(Date.now() + clock.ahead) })
    await server.register('overseer')
    ann = await server.register('ann')
  })
  after(() => server.close())

  beforeEach(async () => {
    albumId = (await ann.call('POST', '/v1/albums', { title: 'Trip' })).body.id
    token = (await makeLink({ allowUpload: true })).token
    visit = visitorOf(server, token)
  })

  async function makeLink(fields: object): Promise<Json> {
    return (await ann.call('POST', `/v1/albums/${albumId}/links`, fields)).body
  }

  const plan = (bytes: Buffer, fields: object = {}, by = visit) =>
    by('POST', '/uploads', { filename: 'photo.jpg', size: bytes.length, contentType: 'image/jpeg', ...fields })

  async function sent(bytes: Buffer, fields: object = {}): Promise<Json> {
    const planned = await plan(bytes, fields)
    assert.equal(planned.status, 201)
    await putParts(planned.body, bytes)
    return planned.body
  }

  const complete = (id: string, by = visit) => by('POST', `/uploads/${id}/complete`, {})
  const inAlbum = async (): Promise<Json[]> => (await ann.call('GET', `/v1/albums/${albumId}/assets`)).body.items
  const inLibrary = async (): Promise<Json[]> => (await ann.call('GET', '/v1/assets?limit=500')).body.items
  const rowOf = (id: string) =>
    server.engines.db.selectFrom('upload').selectAll().where('id', '=', id).executeTakeFirstOrThrow()

  it('adds to the album, on the account of its owner, who hears of it', async () => {
    const stream = await openStream(server.address, bearer(ann.token))
    try {
      const before = await storageOf(ann)
      const { id } = await sent(jpeg(3000), { sha256: undefined })
      assert.equal((await storageOf(ann)).reservedBytes, before.reservedBytes + 3000)
      const { status, body } = await complete(id)
      assert.equal(status, 201)
      assert.equal(body.asset.sha256, null)
      const after = await storageOf(ann)
      assert.deepEqual(after, { ...before, usedBytes: before.usedBytes + 3000 })
      assert.deepEqual(
        (await inAlbum()).map((asset) => [asset.id, asset.addedBy]),
        [[body.asset.id, null]],
      )
      assert.equal((await visit('GET', '')).body.album.assetCount, 1)

      const said = new Set<string>()
      while (!said.has('asset.updated')) said.add((await stream.next())?.event ?? assert.fail('the stream ended'))
      assert.ok(said.has('upload.updated'))

      const { rows } = await server.engines.pool.query(
        `select action, actor_id, size from history_event where object_type = 'link' and action = 'link.upload'`,
      )
      assert.deepEqual(rows, [{ action: 'link.upload', actor_id: null, size: 3000 }])
    } finally {
      stream.close()
    }
  })

  it('uploads with the same engine as anybody, after unlocking', async () => {
    const link = await makeLink({ allowUpload: true, password: 'open sesame' })
    const visitor = createClient({ baseUrl: server.address, token: ann.token }).link(link.token)
    await assert.rejects(visitor.album(), { code: 'password-required' })
    await visitor.unlock('open sesame')
    const bytes = jpeg(5000)
    const blob = new Blob([new Uint8Array(bytes)])
    const source = { name: 'by engine.jpg', size: 5000, type: 'image/jpeg', slice: blob.slice.bind(blob) }
    const outcome = await createUploader({ client: visitor }).add(source).done
    assert.equal(outcome.state, 'completed')
    const { items } = await visitor.assets.list()
    assert.deepEqual(
      items.map(({ filename }) => filename),
      ['by engine.jpg'],
    )
    const again = await createUploader({ client: visitor }).add(source).done
    assert.equal(again.state, 'duplicate')
  })

  it('learns nothing of what the owner has elsewhere, and brings nothing of it to light', async () => {
    const [own, trashed] = [jpeg(2000), jpeg(2100)]
    const kept = await upload(ann, own, { filename: 'private.jpg' })
    const thrown = await upload(ann, trashed, { filename: 'thrown away.jpg' })
    await ann.call('DELETE', `/v1/assets/${thrown.id}`)
    const fresh = jpeg(2200)
    const answers: TestAnswer[] = []
    for (const bytes of [own, trashed, fresh]) {
      const planned = await plan(bytes, { sha256: sha256(bytes) })
      assert.equal(planned.status, 201)
      await putParts(planned.body, bytes)
      answers.push(await complete(planned.body.id))
    }
    for (const { status, body } of answers) {
      assert.equal(status, 201)
      assert.equal(body.asset.filename, 'photo.jpg')
      assert.equal(body.asset.sha256, null)
      assert.ok(![kept.id, thrown.id].includes(body.asset.id))
    }
    assert.equal((await ann.call('GET', `/v1/assets/${thrown.id}`)).body.trashedAt !== null, true)
    assert.equal((await inAlbum()).length, 3)
    // All of them are the owner's, and count.
    await server.settleJobs()
    const library = new Set((await inLibrary()).map(({ id }) => id))
    for (const { body } of answers) assert.ok(library.has(body.asset.id))
  })

  it('is told what the album shows already, however it is sent', async () => {
    const shown = await upload(ann, jpeg(1500))
    const bytes = jpeg(1600)
    const other = await upload(ann, bytes)
    await ann.call('PUT', `/v1/albums/${albumId}/assets`, { assetIds: [shown.id, other.id] })
    const planned = await plan(bytes, { sha256: sha256(bytes) })
    assert.equal(planned.status, 200)
    assert.equal(planned.body.duplicateOf.id, other.id)
    assert.equal(planned.body.duplicateOf.sha256, null)

    const before = await storageOf(ann)
    const { id } = await sent(bytes)
    const completed = await complete(id)
    assert.equal(completed.status, 200)
    assert.equal(completed.body.asset.id, other.id)
    assert.deepEqual(await storageOf(ann), before)
    assert.equal((await inAlbum()).length, 2)
  })

  it('sends one file twice at once, and the album shows it once', async () => {
    const bytes = jpeg(1700)
    const [one, two] = [await sent(bytes), await sent(bytes)]
    const answers = await Promise.all([complete(one.id), complete(two.id), complete(one.id)])
    assert.equal(new Set(answers.map(({ body }) => body.asset.id)).size, 1)
    assert.equal((await inAlbum()).length, 1)
  })

  it('reaches no upload but those of the link', async () => {
    const bytes = jpeg(900)
    const other = visitorOf(server, (await makeLink({ allowUpload: true })).token)
    const foreign = (await plan(bytes, {}, other)).body.id
    const owners = (
      await ann.call('POST', '/v1/uploads', { filename: 'a.jpg', size: 900, contentType: 'image/jpeg', albumId })
    ).body.id
    for (const id of [foreign, owners, crypto.randomUUID()]) {
      for (const [method, path, body] of [
        ['GET', `/uploads/${id}`, undefined],
        ['GET', `/uploads/${id}/parts?numbers=1`, undefined],
        ['POST', `/uploads/${id}/complete`, {}],
        ['DELETE', `/uploads/${id}`, undefined],
      ] as const) {
        assert.equal((await visit(method, path, body)).status, 404, `${method} ${path}`)
      }
    }
  })

  it('sends photos into this album alone', async () => {
    assert.equal((await plan(jpeg(500), { albumId })).status, 201)
    assert.equal((await plan(jpeg(500), { albumId: crypto.randomUUID() })).status, 404)
    for (const purpose of ['avatar', 'post']) assert.equal((await plan(jpeg(500), { purpose })).status, 400)
  })

  it('is held to the limits of accounts, and not told how much the owner has', async () => {
    assert.equal((await plan(jpeg(500), { size: 1_000_001 })).status, 413)
    assert.equal((await plan(jpeg(500), { contentType: 'text/html', filename: 'a.html' })).status, 415)
    const wrong = await sent(randomBytes(800))
    assert.equal((await complete(wrong.id)).status, 422)

    await server.engines.pool.query('update storage_quota set limit_bytes = used_bytes + 100 where account_id = $1', [
      ann.id,
    ])
    const { status, body } = await plan(jpeg(500))
    assert.equal(status, 413)
    assert.equal(body.type, '/problems/quota-exceeded')
    assert.deepEqual(Object.keys(body).sort(), ['detail', 'instance', 'status', 'title', 'type'])
    assert.ok(!/\d/.test(body.detail))
    await server.engines.pool.query('update storage_quota set limit_bytes = 1000000000 where account_id = $1', [ann.id])
  })

  for (const [what, close] of [
    ['takes no more', () => ann.call('PATCH', `/v1/links/${token}`, { allowUpload: false })],
    ['is revoked', () => ann.call('DELETE', `/v1/links/${token}`)],
  ] as const) {
    it(`is ended when the link ${what}, and what they reserved is free again`, async () => {
      const before = await storageOf(ann)
      const { id, transfer } = await sent(jpeg(4000))
      assert.ok((await close()).status < 300)
      assert.deepEqual(await storageOf(ann), before)
      const { state, failure } = await rowOf(id)
      assert.deepEqual({ state, failure }, { state: 'aborted', failure: 'link-closed' })
      const count = (await inLibrary()).length
      assert.ok([403, 404].includes((await complete(id)).status))
      // A URL that was given out still takes bytes, until it dies; nothing comes of them.
      await fetch(transfer.parts[0].urls[0].url, { method: 'PUT', body: new Uint8Array(jpeg(4000)) })
      await server.settleJobs()
      assert.equal((await inLibrary()).length, count)
    })
  }

  it('is not completed by the hourly look at uploads when the link is over by then', async () => {
    const end = new Date(Date.now() + clock.ahead + 60_000).toISOString()
    const short = visitorOf(server, (await makeLink({ allowUpload: true, expiresAt: end })).token)
    const bytes = jpeg(4100)
    const { body } = await plan(bytes, {}, short)
    await putParts(body, bytes)
    const count = (await inLibrary()).length
    await expire(body.id)
    assert.equal((await rowOf(body.id)).state, 'expired')
    assert.equal((await inLibrary()).length, count)
  })

  it('is not completed for a link or an album that is gone, though it was planned in that moment', async () => {
    for (const end of [
      () => server.engines.pool.query('delete from album_link where token = $1', [token]),
      () => server.engines.pool.query('delete from album where id = $1', [albumId]),
    ]) {
      token = (await makeLink({ allowUpload: true })).token
      visit = visitorOf(server, token)
      const { id } = await sent(jpeg(4200))
      const count = (await inLibrary()).length
      await end()
      await expire(id)
      assert.equal((await rowOf(id)).state, 'expired')
      assert.equal((await inLibrary()).length, count)
    }
  })

  it('is completed by it while the link is good', async () => {
    const { id } = await sent(jpeg(4300))
    await expire(id)
    assert.equal((await rowOf(id)).state, 'completed')
    assert.equal((await inAlbum()).length, 1)
  })

  /** Lets its time pass, by two days of the clock. */
  async function expire(id: string): Promise<void> {
    const { expires_at: end } = await rowOf(id)
    clock.ahead = Math.max(clock.ahead, end.getTime() + 1000 - Date.now())
    await server.engines.jobs.enqueue(server.engines.db, 'uploads:expire', {})
    await server.settleJobs()
  }

  it('with a cookie is believed from this origin alone', async () => {
    const link = await makeLink({ allowUpload: true, password: 'open sesame' })
    const access = await unlock(server, link.token, 'open sesame')
    const cookie = { cookie: `heliograph_link=${access}` }
    const from = (headers: Record<string, string>) =>
      plan(jpeg(300), {}, visitorOf(server, link.token, { ...cookie, ...headers }))
    assert.equal((await from({ 'sec-fetch-site': 'same-origin' })).status, 201)
    assert.equal((await from({ 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' })).status, 403)
    assert.equal((await from({ 'sec-fetch-site': 'same-site' })).status, 403)
    assert.equal((await from({})).status, 403)
    assert.equal((await from(bearer(access))).status, 201)
    assert.equal((await visitorOf(server, link.token, cookie)('GET', '')).status, 200)
  })
})
