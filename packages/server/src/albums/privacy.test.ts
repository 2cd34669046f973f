/** What members are shown of the photos of others, and what stays with the owner. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import sharp from 'sharp'
import { exifSegment, gpsFields, jpegWith, tiff } from '../renditions/metadata/testing/files.ts'
import { type Json, startTestServer, type TestAccount, type TestServer } from '../testing/server.ts'
import { unzip } from '../testing/unzip.ts'
import { upload } from '../testing/upload.ts'

const [latitude, longitude] = [52.5123457, 13.4765433]

/** The seconds of the latitude as a rational number, as EXIF writes them. */
const trace = Buffer.alloc(8)
trace.writeUInt32BE(Math.round((((latitude % 1) * 60) % 1) * 600_000))
trace.writeUInt32BE(10_000, 4)
const tellsPlace = (bytes: Uint8Array) =>
  [trace, Buffer.from(trace).swap32()].some((one) => Buffer.from(bytes).includes(one))

/** All that an asset says, so that whoever adds to it decides what others see of it. */
const fields = [
  'addedBy',
  'animated',
  'camera',
  'capturedAt',
  'capturedOffset',
  'contentType',
  'description',
  'duration',
  'exposure',
  'failure',
  'favorite',
  'filename',
  'height',
  'id',
  'kind',
  'lens',
  'location',
  'processing',
  'sha256',
  'size',
  'state',
  'thumbhash',
  'trashedAt',
  'uploadedAt',
  'urls',
  'width',
]

async function photo(): Promise<Buffer> {
  const picture = await sharp(randomBytes(12 * 9 * 3), { raw: { width: 12, height: 9, channels: 3 } })
    .resize(400, 300, { fit: 'fill' })
    .jpeg()
    .toBuffer()
  return jpegWith(picture, exifSegment(tiff({ gps: gpsFields(latitude, longitude) })))
}

describe('of the photos of others', () => {
  let server: TestServer
  let ann: TestAccount
  let bob: TestAccount
  before(async () => {
    server = await startTestServer()
    ann = await server.register('ann')
    bob = await server.register('bob')
  })
  after(() => server.close())

  async function shared(asset: string): Promise<string> {
    const { body } = await ann.call('POST', '/v1/albums', { title: 'Shared', assetIds: [asset] })
    await ann.call('PUT', `/v1/albums/${body.id}/members/bob`, { role: 'viewer' })
    return body.id
  }

  test('members see neither place nor hash nor favourites, and get originals without the place', async () => {
    const { id } = await upload(ann, await photo(), { filename: 'beach.jpg' })
    const album = await shared(id)
    const path = `/v1/albums/${album}/assets/${id}`
    const raw = await bob.call('GET', path)
    assert.equal(raw.body.urls.original, null, 'what was not read may tell a place')
    await server.settleJobs()
    await ann.call('PATCH', `/v1/assets/${id}`, { favorite: true })

    const own = (await ann.call('GET', path)).body
    assert.ok(Math.abs(own.location.latitude - latitude) < 1e-4)
    assert.equal(own.favorite, true)
    assert.equal(own.sha256.length, 64)
    assert.ok(tellsPlace(new Uint8Array(await (await fetch(own.urls.original)).arrayBuffer())))

    const asked = (await bob.call('GET', path)).body
    assert.deepEqual(Object.keys(asked).toSorted(), fields)
    assert.equal(asked.urls.original, null, 'none before the copy is made')
    await server.settleJobs()
    const seen = (await bob.call('GET', `/v1/albums/${album}/assets`)).body.items[0]
    assert.deepEqual([seen.location, seen.sha256, seen.favorite, seen.trashedAt], [null, null, false, null])
    for (const [name, url] of Object.entries(seen.urls)) {
      if (typeof url !== 'string') continue
      const answer = await fetch(url)
      assert.equal(answer.status, 200, name)
      assert.ok(!tellsPlace(new Uint8Array(await answer.arrayBuffer())), name)
    }
    assert.equal(typeof seen.urls.original, 'string')
    assert.notEqual(new URL(seen.urls.original).pathname, new URL(own.urls.original).pathname)
    const zip = await unzip((await bob.call('POST', `/v1/albums/${album}/download`, {})).body)
    assert.deepEqual(Object.keys(zip), ['beach.jpg'])
    assert.ok(!tellsPlace(zip['beach.jpg'] ?? trace))
    const hers = await unzip((await ann.call('POST', `/v1/albums/${album}/download`, {})).body)
    assert.ok(tellsPlace(hers['beach.jpg'] ?? Buffer.alloc(0)), 'her own she gets as it is')
  })

  test('members see the place where the owner of the album shares it, and no longer when that ends', async () => {
    const { id } = await upload(ann, await photo())
    await server.settleJobs()
    const album = await shared(id)
    const read = async (): Promise<Json> => (await bob.call('GET', `/v1/albums/${album}/assets/${id}`)).body
    await ann.call('PATCH', `/v1/albums/${album}`, { shareLocation: true })
    const open = await read()
    assert.ok(Math.abs(open.location.longitude - longitude) < 1e-4)
    assert.ok(tellsPlace(new Uint8Array(await (await fetch(open.urls.original)).arrayBuffer())))
    assert.deepEqual([open.sha256, open.favorite], [null, false])
    await ann.call('PATCH', `/v1/albums/${album}`, { shareLocation: false })
    const { location, urls } = await read()
    assert.deepEqual([location, urls.original], [null, null])
  })

  test('nobody is given the untouched video of a Live Photo', async () => {
    const still = await upload(ann, await photo())
    const film = await upload(ann, await photo())
    await server.settleJobs()
    const album = await shared(still.id)
    await server.engines.pool.query('update asset set motion_of = $1 where id = $2', [still.id, film.id])
    const read = (who: TestAccount) => who.call('GET', `/v1/albums/${album}/assets/${still.id}`)
    assert.equal(typeof (await read(ann)).body.urls.motion, 'string', 'its owner plays what there is')
    assert.equal((await read(bob)).body.urls.motion, null)
  })
})

describe('a download of an album', () => {
  test('names what there is no copy of, and is refused while there is nothing at all', async () => {
    // Without a worker nothing is read, and no copies are made.
    const server = await startTestServer({ ROLES: 'api,edge' })
    try {
      const [ann, bob] = [await server.register('ann'), await server.register('bob')]
      const names = ['one.jpg', 'two.jpg', 'three.jpg']
      const ids: string[] = []
      for (const filename of names) ids.push((await upload(ann, await photo(), { filename })).id)
      const { body: album } = await ann.call('POST', '/v1/albums', { title: 'Shared', assetIds: ids })
      await ann.call('PUT', `/v1/albums/${album.id}/members/bob`, { role: 'viewer' })
      const download = (body: object) => bob.call('POST', `/v1/albums/${album.id}/download`, body)

      const refused = await download({})
      assert.deepEqual([refused.status, refused.body.type], [409, '/problems/conflict'])
      assert.equal((await download({ ids: [crypto.randomUUID()] })).status, 404)
      await server.engines.pool.query('update asset set holds_location = false where id = $1', [ids[1]])
      const zip = await unzip((await download({})).body)
      assert.deepEqual(Object.keys(zip).toSorted(), ['missing.txt', 'two.jpg'])
      assert.match(String(zip['missing.txt']), /one\.jpg\n/)
      assert.match(String(zip['missing.txt']), /three\.jpg\n/)
      assert.deepEqual(Object.keys(await unzip((await download({ ids: [ids[1]] })).body)), ['two.jpg'])
      const hers = await unzip((await ann.call('POST', `/v1/albums/${album.id}/download`, {})).body)
      assert.deepEqual(Object.keys(hers).toSorted(), names.toSorted())
    } finally {
      await server.close()
    }
  })
})
