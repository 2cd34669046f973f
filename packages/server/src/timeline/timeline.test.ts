import assert from 'node:assert/strict'
import { get } from 'node:http'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { after, before, beforeEach, describe, it } from 'node:test'
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { changeKeyFile, keyFilePath, rotateKeys } from '../delivery/index.ts'
import { jpeg } from '../testing/photos.ts'
import { type Json, startTestServer, type TestAccount, type TestServer } from '../testing/server.ts'
import { upload } from '../testing/upload.ts'
import { foldChanges } from './tasks.ts'
import { addAssets, addRendition, type Sample, size } from './testing/library.ts'

const bucket = 3_600_000
const november = '2026-11-03T10:00:00.000Z'

describe('the timeline', () => {
  let server: TestServer
  let ann: TestAccount
  let time = Date.parse('2026-11-20T12:00:00Z')
  let accounts = 0

  before(async () => {
    server = await startTestServer(
      { DELIVERY_BUCKET: String(bucket / 1000), SESSION_DAYS: '3650' },
      { now: () => new Date(time) },
    )
  })
  after(() => server.close())
  beforeEach(async () => {
    accounts += 1
    ann = await server.register(`ann${accounts}`)
  })

  async function add(...samples: Sample[]): Promise<string[]> {
    const used = { used_bytes: samples.length * size }
    await server.engines.db.updateTable('storage_quota').set(used).where('account_id', '=', ann.id).execute()
    return addAssets(server.engines.db, ann.id, samples)
  }
  const months = async (query = '') => (await ann.call('GET', `/v1/timeline${query}`)).body.items
  const items = async (month: string, query = ''): Promise<Json[]> =>
    (await ann.call('GET', `/v1/timeline/${month}${query}`)).body.items
  const ids = async (month: string, query = '') => (await items(month, query)).map(({ id }) => id)
  const etagOf = async (path: string, account = ann) => (await account.call('GET', path)).headers.get('etag') ?? ''

  it('goes by the clock of the place, and where that is unknown by UTC', async () => {
    const [seoul, newYork, unknown] = await add(
      { capturedAt: '2026-10-31T23:30:00.500Z', offset: 540 },
      { capturedAt: '2026-12-01T02:00:00Z', offset: -300 },
      { capturedAt: '2026-10-31T23:59:59.999Z' },
    )
    assert.deepEqual(await months(), [
      { month: '2026-11', count: 2 },
      { month: '2026-10', count: 1 },
    ])
    const taken = (await items('2026-11')).map(({ id, takenAt }) => [id, takenAt])
    assert.deepEqual(taken, [
      [newYork, '2026-11-30T21:00:00.000'],
      [seoul, '2026-11-01T08:30:00.500'],
    ])
    assert.deepEqual(await ids('2026-10'), [unknown])
  })

  it('shows what the library shows and nothing else, filtered alike in both calls', async () => {
    const [photo, film, favorite, trashed, favoriteFilm] = await add(
      { capturedAt: '2026-11-05T00:00:00Z' },
      { capturedAt: '2026-11-04T00:00:00Z', kind: 'video' },
      { capturedAt: '2026-11-03T00:00:00Z', favorite: true },
      { capturedAt: '2026-11-02T00:00:00Z' },
      { capturedAt: '2026-11-01T00:00:00Z', kind: 'video', favorite: true },
      { capturedAt: '2026-11-01T00:00:00Z', purpose: 'avatar' },
      { capturedAt: '2026-11-01T00:00:00Z', purpose: 'post' },
    )
    await ann.call('DELETE', `/v1/assets/${trashed}`)
    const expected: [query: string, ids: (string | undefined)[]][] = [
      ['', [photo, film, favorite, favoriteFilm]],
      ['?kind=image', [photo, favorite]],
      ['?kind=video', [film, favoriteFilm]],
      ['?favorite=true', [favorite, favoriteFilm]],
      ['?favorite=false', [photo, film]],
      ['?kind=video&favorite=true', [favoriteFilm]],
    ]
    for (const fold of [false, true]) {
      if (fold) await foldChanges(server.engines.db)
      for (const [query, all] of expected) {
        assert.deepEqual(await ids('2026-11', query), all, query)
        assert.deepEqual(await months(query), [{ month: '2026-11', count: all.length }], query)
      }
    }
    assert.deepEqual(await months('?kind=video&favorite=false'), [{ month: '2026-11', count: 1 }])
  })

  it('gives any part of a month, in one order, also among photos of one instant', async () => {
    const count = 1_023
    await add(...Array.from({ length: count }, (_, index) => ({ capturedAt: `2026-11-0${1 + (index % 3)}T12:00:00Z` })))
    const all: string[] = []
    for (const offset of [0, 500, 1000]) all.push(...(await ids('2026-11', `?offset=${offset}`)))
    assert.equal(new Set(all).size, count)
    for (const offset of [0, 1, 338, 343, 990, 999, 1000, 1001, 1020]) {
      assert.deepEqual(await ids('2026-11', `?offset=${offset}&limit=5`), all.slice(offset, offset + 5), `${offset}`)
    }
    assert.deepEqual(await ids('2026-11', '?offset=100000000'), [])
    assert.deepEqual(await ids('1999-12'), [])
  })

  it('knows months from the first year to the last, and no others', async () => {
    await add({ capturedAt: '9999-12-31T23:00:00Z', offset: 600 }, { capturedAt: '0001-01-01T00:30:00Z', offset: -60 })
    assert.deepEqual(
      (await months()).map(({ month }: Json) => month),
      ['9999-12', '0001-01'],
    )
    assert.equal((await ids('9999-12')).length, 1)
    assert.equal((await ids('0001-01')).length, 1)
    for (const month of ['2026-13', '2026-00', '0000-01', '26-11', '2026-1', '2026-11-01', 'now']) {
      assert.equal((await ann.call('GET', `/v1/timeline/${month}`)).status, 404, month)
    }
    assert.equal((await ann.call('GET', '/v1/timeline/2026-11?limit=501')).status, 400)
  })

  it('follows every change at once', async () => {
    const [id = ''] = await add({ capturedAt: november })
    const edit = (change: object) => ann.call('PATCH', `/v1/assets/${id}`, change)
    const steps: [change: () => Promise<unknown>, month: string | null, query?: string][] = [
      [() => edit({ favorite: true }), '2026-11', '?favorite=true'],
      [() => edit({ favorite: false }), '2026-11', '?favorite=false'],
      [() => edit({ capturedAt: '2025-02-03T00:00:00Z' }), '2025-02'],
      [() => ann.call('DELETE', `/v1/assets/${id}`), null],
      [() => ann.call('POST', `/v1/assets/${id}/restore`), '2025-02'],
      [() => edit({ capturedAt: november }), '2026-11'],
      [() => ann.call('DELETE', `/v1/assets/${id}?permanent=true`), null],
    ]
    for (const [change, month, query = ''] of steps) {
      await change()
      assert.deepEqual(await months(query), month === null ? [] : [{ month, count: 1 }])
      for (const one of ['2026-11', '2025-02']) assert.deepEqual(await ids(one, query), one === month ? [id] : [])
    }
  })

  it('shows an upload before it is processed, and its thumbnails as soon as they are made', async () => {
    const asset = await upload(ann, jpeg(500), { capturedAt: november })
    assert.deepEqual(await ids('2026-11'), [asset.id])
    await server.settleJobs()
    const [item] = await items('2026-11')
    assert.deepEqual(
      { ...item, thumb: null, small: null },
      {
        id: asset.id,
        takenAt: '2026-11-03T10:00:00.000',
        ratio: 1,
        kind: 'image',
        duration: null,
        favorite: false,
        state: 'ready',
        motion: false,
        animated: false,
        thumbhash: (await ann.call('GET', `/v1/assets/${asset.id}`)).body.thumbhash,
        thumb: null,
        small: null,
      },
    )
    for (const url of [item.thumb, item.small]) {
      const answer = await fetch(url)
      assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, 'image/webp'])
    }
  })

  it('signs what was made together once, and what was made again later by itself', async () => {
    const { db, store } = server.engines
    const [together = '', apart = '', thumbOnly = '', none = ''] = await add(
      ...[4, 3, 2, 1].map((day) => ({ capturedAt: `2026-11-0${day}T00:00:00Z` })),
    )
    const folder = `renditions/${'ab'.repeat(16)}`
    const keys = [
      await addRendition(db, together, 'thumb', folder),
      await addRendition(db, together, 'small', folder),
      await addRendition(db, apart, 'thumb'),
      await addRendition(db, apart, 'small'),
      await addRendition(db, thumbOnly, 'thumb'),
    ]
    for (const key of keys)
      await store.put(key, Readable.from([Buffer.from('webp')]), { contentType: 'image/webp', size: 4 })
    const [first, second, third, fourth] = await items('2026-11')
    const signatureOf = (url: string) => new URL(url).searchParams.get('sig')
    assert.equal(signatureOf(first.thumb), signatureOf(first.small))
    assert.notEqual(signatureOf(second.thumb), signatureOf(second.small))
    assert.equal(third.thumb, third.small)
    assert.deepEqual([fourth.id, fourth.thumb, fourth.small], [none, null, null])
    for (const url of [first.thumb, first.small, second.thumb, second.small, third.thumb]) {
      assert.equal((await fetch(url)).status, 200, url)
    }
  })

  it('shows that a photo moves, although its video lies in another month', async () => {
    const { db } = server.engines
    const [photo = '', film = ''] = await add(
      { capturedAt: '2026-11-30T23:59:59Z' },
      { capturedAt: '2026-12-01T00:00:00Z', kind: 'video' },
    )
    const seen = async () => [(await items('2026-11'))[0].motion, await ids('2026-12')]
    assert.deepEqual(await seen(), [false, [film]])
    await db.updateTable('asset').set({ motion_of: photo }).where('id', '=', film).execute()
    assert.deepEqual(await seen(), [true, []])
    await db.updateTable('asset').set({ motion_of: null }).where('id', '=', film).execute()
    assert.deepEqual(await seen(), [false, [film]])
    await db.updateTable('asset').set({ motion_of: photo }).where('id', '=', film).execute()
    await db.deleteFrom('asset').where('id', '=', film).execute()
    assert.deepEqual(await seen(), [false, []])
  })

  it('is answered with 304 until something of it changes, its URLs included', async () => {
    const [id = '', other = ''] = await add({ capturedAt: november }, { capturedAt: '2025-01-01T00:00:00Z' })
    const month = '/v1/timeline/2026-11'
    const isCurrent = async (path: string, etag: string) =>
      (await ann.call('GET', path, undefined, { 'if-none-match': `"x", ${etag}` })).status === 304
    let [all, one] = [await etagOf('/v1/timeline'), await etagOf(month)]
    const expectChange = async (isAll: boolean, isMonth: boolean, why: string) => {
      assert.deepEqual([await isCurrent('/v1/timeline', all), await isCurrent(month, one)], [!isAll, !isMonth], why)
      ;[all, one] = [await etagOf('/v1/timeline'), await etagOf(month)]
    }
    await expectChange(false, false, 'nothing')
    await foldChanges(server.engines.db)
    await expectChange(false, false, 'counts were folded')
    await ann.call('PATCH', `/v1/assets/${other}`, { favorite: true })
    await expectChange(true, false, 'another month changed')
    await ann.call('PATCH', `/v1/assets/${id}`, { favorite: true })
    await expectChange(true, true, 'it changed')
    await server.engines.db
      .updateTable('asset')
      .set((eb) => ({ state: 'processing', version: eb('version', '+', 1) }))
      .where('id', '=', id)
      .execute()
    await expectChange(true, true, 'its state changed, and no count')
    time += bucket
    await expectChange(false, true, 'the URLs of the bucket are over')
    await changeKeyFile(keyFilePath(server.dataDir), (keys) => rotateKeys(keys, time / 1000, time / 1000 + 86_400))
    for (let tries = 0; (await isCurrent(month, one)) && tries < 100; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    await expectChange(false, true, 'another key signs')
    assert.notEqual(await etagOf(`${month}?limit=1`), one)
  })

  it('is nobody else’s, also for a browser that remembers the answer of who was here before', async () => {
    const bob = await server.register(`bob${accounts}`)
    await add({ capturedAt: november })
    await addAssets(server.engines.db, bob.id, [{ capturedAt: november, kind: 'video' }])
    for (const path of ['/v1/timeline', '/v1/timeline/2026-11']) {
      const mine = await ann.call('GET', path)
      const theirs = await bob.call('GET', path, undefined, { 'if-none-match': mine.headers.get('etag') ?? '' })
      assert.equal(theirs.status, 200)
      assert.match(theirs.headers.get('cache-control') ?? '', /private, no-cache/)
    }
    const [item] = (await bob.call('GET', '/v1/timeline/2026-11')).body.items
    assert.equal(item.kind, 'video')
  })

  it('is compressed as the client likes it, and says the same in each coding', async () => {
    await add(...Array.from({ length: 40 }, () => ({ capturedAt: november })))
    const plain = await raw('/v1/timeline/2026-11')
    assert.equal(plain.coding, undefined)
    const decode = { zstd: zstdDecompressSync, br: brotliDecompressSync, gzip: gunzipSync }
    for (const coding of ['zstd', 'br', 'gzip'] as const) {
      for (const turn of ['made', 'kept']) {
        const coded = await raw('/v1/timeline/2026-11', coding)
        assert.equal(coded.coding, coding, turn)
        assert.ok(coded.body.length < plain.body.length / 4)
        assert.ok(decode[coding](coded.body).equals(plain.body))
      }
    }
    assert.equal((await raw('/v1/timeline/2026-11', 'gzip, deflate, br, zstd')).coding, 'zstd')
    assert.equal((await raw('/v1/timeline', 'gzip')).coding, undefined, 'a few bytes are not worth it')
  })

  /** As it came over the wire: fetch would decode it. */
  function raw(path: string, acceptEncoding?: string): Promise<{ coding: string | undefined; body: Buffer }> {
    const headers = {
      authorization: `Bearer ${ann.token}`,
      ...(acceptEncoding === undefined ? {} : { 'accept-encoding': acceptEncoding }),
    }
    return new Promise((resolve, reject) => {
      get(`${server.address}${path}`, { headers, agent: false }, (response) => {
        buffer(response).then((body) => resolve({ coding: response.headers['content-encoding'], body }), reject)
      }).on('error', reject)
    })
  }
})
