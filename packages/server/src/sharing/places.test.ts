/**
 * Where something was taken is known to its owner. What visitors of a link are given is looked through here, decoded, in
 * every way they can get at it.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import sharp from 'sharp'
import { assertTellsNoPlace, holdsTrace, latitude, placedFilm, placedPhoto } from '../testing/places.ts'
import { type Json, startTestServer, type TestAccount, type TestServer } from '../testing/server.ts'
import { unzip } from '../testing/unzip.ts'
import { upload } from '../testing/upload.ts'
import { withoutFfmpeg } from '../testing/videos.ts'
import { visitorOf } from './testing/shared-album.ts'

const types: Record<string, string> = { '.jpg': 'image/jpeg', '.mov': 'video/quicktime' }

describe('by a link', { skip: withoutFfmpeg }, () => {
  let server: TestServer
  let ann: TestAccount
  let albumId: string
  let assetIds: string[]

  before(async () => {
    server = await startTestServer()
    ann = await server.register('ann')
    const film = await placedFilm('yuv420p')
    const files: [name: string, bytes: Buffer][] = [
      ['photo.jpg', await placedPhoto()],
      ['motion photo.jpg', await placedPhoto(400, film)],
      ['film.mov', await placedFilm('yuv420p')],
      ['drone.mov', await placedFilm('yuv420p', { subtitles: true })],
      ['converted.mov', await placedFilm('yuv444p')],
    ]
    assetIds = []
    for (const [filename, bytes] of files) {
      assert.ok(holdsTrace(bytes), `${filename} tells the place`)
      const contentType = types[filename.slice(-4)] ?? ''
      assetIds.push((await upload(ann, bytes, { filename, contentType })).id)
    }
    await server.settleJobs()
    albumId = (await ann.call('POST', '/v1/albums', { title: 'Trip', assetIds })).body.id
  })
  after(() => server.close())

  async function link(fields: object = {}): Promise<string> {
    const { status, body } = await ann.call('POST', `/v1/albums/${albumId}/links`, fields)
    assert.equal(status, 201)
    // The copies are asked for when the link is made.
    await server.settleJobs()
    return body.token
  }

  async function assetsOf(token: string): Promise<Json[]> {
    const { body } = await visitorOf(server, token)('GET', '/assets')
    assert.equal(body.items.length, assetIds.length)
    return body.items
  }

  /** What is to be had of an asset, playlists and what they lead to as well, by how it was come by. */
  async function urlsOf({ urls }: Json): Promise<[name: string, url: string][]> {
    const given = Object.entries<string | null>(urls).flatMap(([name, url]): [string, string][] =>
      typeof url === 'string' ? [[name, url]] : [],
    )
    const found: [string, string][] = []
    for (const [name, url] of given) {
      found.push([name, url])
      if (name !== 'hls') continue
      for (const media of linesOf(await (await fetch(url)).text())) {
        found.push(['media playlist', media])
        for (const file of new Set(linesOf(await (await fetch(media)).text()))) found.push(['segments', file])
      }
    }
    return found
  }

  const linesOf = (playlist: string) => playlist.match(/^http.*$/gm) ?? []

  async function assertServesNoPlace(url: string, what: string): Promise<void> {
    const whole = await fetch(url)
    assert.equal(whole.status, 200, what)
    const type = whole.headers.get('content-type') ?? ''
    const bytes = Buffer.from(await whole.arrayBuffer())
    assert.ok(bytes.length > 0, what)
    await assertTellsNoPlace(bytes, type, what)
    for (const range of ['bytes=0-4095', 'bytes=-4096', `bytes=${bytes.length >> 1}-`]) {
      const part = await fetch(url, { headers: { range } })
      assert.ok(!holdsTrace(Buffer.from(await part.arrayBuffer())), `${what} ${range}`)
      assert.ok(!holdsTrace(Buffer.from([...part.headers].join('\n'))), `${what}: a header tells it`)
    }
  }

  it('no place is told: not by an answer, an original, a picture, a film or its parts', async () => {
    const token = await link()
    for (const path of ['', '/assets', ...assetIds.map((id) => `/assets/${id}`)]) {
      const { status, body } = await visitorOf(server, token)('GET', path)
      assert.equal(status, 200)
      const text = JSON.stringify(body)
      assert.ok(!text.includes(String(latitude).slice(0, 6)), `${path} tells it`)
    }
    for (const asset of await assetsOf(token)) {
      assert.equal(asset.location, null)
      assert.equal(typeof asset.urls.original, 'string', `${asset.filename} has a copy`)
      for (const [name, url] of await urlsOf(asset)) await assertServesNoPlace(url, `${name} of ${asset.filename}`)
    }
  })

  it('no place is told by the ZIP, whose pictures are whole', async () => {
    const token = await link()
    const { status, body } = await visitorOf(server, token)('POST', '/download', {})
    assert.equal(status, 200)
    const entries = await unzip(body)
    assert.deepEqual(Object.keys(entries).sort(), [
      'converted.mov',
      'drone.mov',
      'film.mov',
      'motion photo.jpg',
      'photo.jpg',
    ])
    for (const [name, bytes] of Object.entries(entries))
      await assertTellsNoPlace(bytes, types[name.slice(-4)] ?? '', name)
    assert.equal((await sharp(entries['photo.jpg']).metadata()).width, 1500)
  })

  it('nothing is given of what there is no copy of yet', async () => {
    const token = await link()
    await server.engines.pool.query(`delete from rendition where name = 'shareable'`)
    for (const { urls } of await assetsOf(token)) assert.equal(urls.original, null)
    const zip = await visitorOf(server, token)('POST', '/download', { ids: assetIds })
    assert.equal(zip.status, 409)
    assert.ok(Number(zip.headers.get('retry-after')) > 0)
    await server.settleJobs()
  })

  it('without downloads there is no original, and no film that is one', async () => {
    const token = await link({ allowDownload: false })
    for (const asset of await assetsOf(token)) {
      assert.equal(asset.urls.original, null)
      const { object_key: key } = await server.engines.db
        .selectFrom('asset')
        .select('object_key')
        .where('id', '=', asset.id)
        .executeTakeFirstOrThrow()
      for (const [name, url] of await urlsOf(asset)) {
        assert.ok(!url.includes(key) && !url.includes('/originals/'), `${name} of ${asset.filename}`)
        assert.ok(!url.includes('attachment'), `${name} is to be kept`)
        await assertServesNoPlace(url, `${name} of ${asset.filename}`)
      }
    }
  })

  it('the place is told where its owner says so, and taken back from the next answer on', async () => {
    const token = await link({ showLocation: true })
    const [shown] = await assetsOf(token)
    assert.ok(Math.abs(shown.location.latitude - latitude) < 1e-4)
    assert.ok(holdsTrace(Buffer.from(await (await fetch(shown.urls.original)).arrayBuffer())))
    const zip = await visitorOf(server, token)('POST', '/download', { ids: [shown.id] })
    assert.ok(holdsTrace(zip.body))

    await ann.call('PATCH', `/v1/links/${token}`, { showLocation: false })
    await server.settleJobs()
    for (const asset of await assetsOf(token)) {
      assert.equal(asset.location, null)
      await assertServesNoPlace(asset.urls.original, `original of ${asset.filename}`)
    }
  })
})
