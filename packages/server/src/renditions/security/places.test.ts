/**
 * Where something was taken is known to its owner, and to whoever holds the original. Everything else that is handed out is
 * looked through here, in every way that bytes can be asked for.
 */
import assert from 'node:assert/strict'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import sharp from 'sharp'
import {
  assertTellsNoPlace,
  placedFilm as film,
  holdsTrace,
  latitude,
  placedPhoto as photo,
} from '../../testing/places.ts'
import { type Json, startTestServer, type TestAccount, type TestServer } from '../../testing/server.ts'
import { upload } from '../../testing/upload.ts'
import { withoutFfmpeg } from '../../testing/videos.ts'
import { originalForOthers, requestShareable } from '../index.ts'

describe('a place', { skip: withoutFfmpeg }, () => {
  let server: TestServer
  let ann: TestAccount

  before(async () => {
    server = await startTestServer({ AVIF: 'on' })
    ann = await server.register('ann')
  })
  after(() => server.close())

  async function made(bytes: Buffer, contentType: string): Promise<Json> {
    assert.ok(holdsTrace(bytes), 'the original tells the place')
    const { id } = await upload(ann, bytes, { filename: 'original', contentType })
    await server.settleJobs()
    return (await ann.call('GET', `/v1/assets/${id}`)).body
  }

  /** Every URL of an asset but that of its original, those within its playlists too, by how it was come by. */
  async function urlsOf({ urls: { original: _, avif, ...urls } }: Json): Promise<Map<string, string>> {
    const found = new Map<string, string>()
    for (const [name, url] of [
      ...Object.entries(urls),
      ...Object.entries(avif ?? {}).map(([n, u]) => [`avif ${n}`, u]),
    ])
      if (typeof url === 'string') found.set(String(name), url)
    for (const [name, url] of found) {
      if (!new URL(url).pathname.endsWith('.m3u8')) continue
      const text = await (await fetch(url)).text()
      const inside = text.match(/https?:[^"\n]+/g) ?? []
      for (const [index, inner] of [...new Set(inside)].entries()) found.set(`${name} ${index}`, inner)
    }
    return found
  }

  /** Asks for the file in every way, and looks through all that comes. Returns its type. */
  async function assertServesNoPlace(url: string, what: string): Promise<string> {
    const whole = await fetch(url)
    assert.equal(whole.status, 200, what)
    const type = whole.headers.get('content-type') ?? ''
    const bytes = Buffer.from(await whole.arrayBuffer())
    await assertTellsNoPlace(bytes, type, what)
    const half = Math.ceil(bytes.length / 2)
    const asked: [string, Record<string, string>][] = [
      ['HEAD', {}],
      ['GET', { range: `bytes=0-${half}` }],
      ['GET', { range: `bytes=${half}-` }],
      ['GET', { range: 'bytes=-4096' }],
      ['GET', { range: `bytes=0-99,200-${bytes.length - 1}` }],
      ['GET', { accept: '*/*', 'x-heliograph-original': '1' }],
    ]
    for (const [method, headers] of asked) {
      const answer = await fetch(url, { method, headers })
      assert.ok([200, 206].includes(answer.status), `${what} ${method} ${headers.range}: ${answer.status}`)
      const got = Buffer.from(await answer.arrayBuffer())
      assert.ok(!holdsTrace(got), `${what} ${method} ${headers.range}`)
      assert.ok(!holdsTrace(Buffer.from([...answer.headers].join('\n'))), `${what}: a header tells it`)
    }
    return type
  }

  async function assertTellsOwnerAlone(asset: Json, names: string[]): Promise<void> {
    assert.equal(asset.state, 'ready', asset.failure)
    assert.ok(Math.abs(asset.location.latitude - latitude) < 1e-4, 'its owner knows it')
    const urls = await urlsOf(asset)
    for (const name of names) assert.ok(urls.has(name), `there is no ${name}, but ${[...urls.keys()].join()}`)
    for (const [name, url] of urls) await assertServesNoPlace(url, name)
    const original = Buffer.from(await (await fetch(asset.urls.original)).arrayBuffer())
    assert.ok(holdsTrace(original), 'an original is kept as it is, for its owner')
  }

  async function copyForOthers({ id }: Json): Promise<{ bytes: Buffer; type: string }> {
    const { db, jobs, store } = server.engines
    const row = () => db.selectFrom('asset').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
    assert.equal(await originalForOthers(db, await row()), null, 'nothing is given before a copy is made')
    await requestShareable(jobs, db, [id])
    await server.settleJobs()
    const copy = await originalForOthers(db, await row())
    assert.ok(copy !== null)
    assert.notEqual(copy.object_key, (await row()).object_key)
    return { bytes: await buffer((await store.get(copy.object_key)).body), type: copy.content_type }
  }

  it('of a photo is in none of its pictures, nor in the copy for others', async () => {
    const asset = await made(await photo(), 'image/jpeg')
    await assertTellsOwnerAlone(asset, ['thumb', 'small', 'preview', 'large', 'avif thumb', 'avif large'])
    const { bytes, type } = await copyForOthers(asset)
    await assertTellsNoPlace(bytes, type, 'the copy')
    assert.equal((await sharp(bytes).metadata()).width, 1500)
  })

  it('of a motion photo is not in its motion either', async () => {
    const asset = await made(await photo(400, await film('yuv420p')), 'image/jpeg')
    await assertTellsOwnerAlone(asset, ['thumb', 'motion'])
    const { bytes, type } = await copyForOthers(asset)
    await assertTellsNoPlace(bytes, type, 'the copy')
  })

  it('of a video is not in what plays, and the copy for others has the same frames', async () => {
    const original = await film('yuv420p')
    const asset = await made(original, 'video/quicktime')
    await assertTellsOwnerAlone(asset, ['thumb', 'poster', 'video'])
    const { bytes, type } = await copyForOthers(asset)
    await assertTellsNoPlace(bytes, type, 'the copy')
    const samples = (file: Buffer) => file.subarray(0, file.indexOf('moov'))
    assert.ok(samples(bytes).equals(samples(original)))
  })

  it('of a video that is converted is in no playlist or segment', async () => {
    const asset = await made(await film('yuv444p'), 'video/quicktime')
    await assertTellsOwnerAlone(asset, ['thumb', 'poster', 'hls', 'hls 0', 'hls 0 0'])
  })

  it('that a video tells in its samples goes with them: the copy for others is its picture alone', async () => {
    const asset = await made(await film('yuv420p', { subtitles: true }), 'video/quicktime')
    await assertTellsOwnerAlone(asset, ['thumb', 'poster', 'video'])
    const { bytes, type } = await copyForOthers(asset)
    await assertTellsNoPlace(bytes, type, 'the copy')
    assert.ok(bytes.includes('avcC') && !bytes.includes('tx3g'))
  })

  it('of an avatar is not in what everybody is shown', async () => {
    const { id } = await made(await photo(900), 'image/jpeg')
    await ann.call('PATCH', '/v1/accounts/me', { avatarAssetId: id })
    await server.settleJobs()
    const profile = await (await fetch(`${server.address}/v1/accounts/ann`)).text()
    assert.ok(!holdsTrace(Buffer.from(profile)))
    const { avatarUrl } = JSON.parse(profile)
    assert.match(avatarUrl, /\/m\/public\//)
    assert.equal(await assertServesNoPlace(avatarUrl, 'avatar'), 'image/webp')
  })

  it("is told to nobody who asks for another's assets, and the owner's own ZIP holds the originals", async () => {
    const { id } = await made(await photo(300), 'image/jpeg')
    const eve = await server.register('eve')
    for (const [method, path, body] of [
      ['GET', `/v1/assets/${id}`],
      ['POST', '/v1/assets/download', { ids: [id] }],
    ] as const) {
      const answer = await eve.call(method, path, body)
      assert.equal(answer.status, 404)
      assert.ok(!holdsTrace(Buffer.from(JSON.stringify(answer.body))))
    }
    const listed = await eve.call('GET', `/v1/assets?ids=${id}`)
    assert.deepEqual(listed.body.items, [])
    const zip = await ann.call('POST', '/v1/assets/download', { ids: [id] })
    assert.ok(holdsTrace(zip.body))
  })
})
