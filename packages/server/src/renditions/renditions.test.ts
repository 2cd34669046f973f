import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import sharp from 'sharp'
import { examine } from '../doctor/index.ts'
import { type Json, startTestServer, type TestAccount, type TestServer } from '../testing/server.ts'
import { upload } from '../testing/upload.ts'
import { enqueueRebuild, originalForOthers, requestShareable } from './index.ts'
import { readImageMetadata } from './metadata/index.ts'
import * as files from './metadata/testing/files.ts'

/** A photo with something to see in it, taken at noon of the zone +02:00, in Berlin when `place` is set. */
async function photo(width: number, height: number, { place = false } = {}): Promise<Buffer> {
  const pixels = randomBytes(16 * 12 * 3)
  return sharp(pixels, { raw: { width: 16, height: 12, channels: 3 } })
    .resize(width, height, { fit: 'fill' })
    .withExif({
      IFD0: { Make: 'Heliograph', Model: 'H1' },
      IFD2: { DateTimeOriginal: '2024:06:01 12:00:00', OffsetTimeOriginal: '+02:00', LensModel: 'H 50mm' },
      ...(place
        ? {
            IFD3: {
              GPSLatitudeRef: 'N',
              GPSLatitude: '52/1 31/1 0/1',
              GPSLongitudeRef: 'E',
              GPSLongitude: '13/1 24/1 0/1',
            },
          }
        : {}),
    })
    .jpeg()
    .toBuffer()
}

describe('what is made of a photo', () => {
  let server: TestServer
  let ann: TestAccount
  let ahead = 0

  before(async () => {
    server = await startTestServer({}, { now: () => new Date(Date.now() + ahead) })
    ann = await server.register('ann')
  })
  after(() => server.close())

  const read = async (id: string): Promise<Json> => (await ann.call('GET', `/v1/assets/${id}`)).body

  async function made(bytes: Buffer, fields = {}): Promise<Json> {
    const { id } = await upload(ann, bytes, fields)
    await server.settleJobs()
    return read(id)
  }

  const dimensions = async (url: string) => {
    const response = await fetch(url)
    assert.equal(response.status, 200)
    const { format, width, height } = await sharp(Buffer.from(await response.arrayBuffer())).metadata()
    return [format, width, height]
  }

  const run = async (text: string) => (await server.engines.pool.query(text)).rows

  it('is every size below the original, and what the camera wrote', async () => {
    const { id, urls, ...asset } = await made(await photo(2000, 1000, { place: true }))
    assert.deepEqual([asset.state, asset.failure, asset.processing], ['ready', null, null])
    assert.deepEqual([asset.width, asset.height, asset.animated], [2000, 1000, false])
    assert.deepEqual([asset.capturedAt, asset.capturedOffset], ['2024-06-01T10:00:00.000Z', 120])
    assert.deepEqual([asset.camera, asset.lens], ['Heliograph H1', 'H 50mm'])
    assert.equal(Math.round(asset.location.latitude * 100), 5252)
    assert.ok(asset.thumbhash.length > 10)
    assert.deepEqual(await dimensions(urls.thumb), ['webp', 320, 160])
    assert.deepEqual(await dimensions(urls.small), ['webp', 720, 360])
    assert.deepEqual(await dimensions(urls.preview), ['webp', 1440, 720])
    assert.deepEqual(await dimensions(urls.large), ['webp', 2000, 1000])
    assert.equal((await read(id)).urls.thumb, urls.thumb, 'the URL stays the same')
  })

  it('of a small one is never larger than it, and small and preview are what there is', async () => {
    const { urls } = await made(await photo(200, 100))
    assert.deepEqual(await dimensions(urls.thumb), ['webp', 200, 100])
    assert.deepEqual([urls.small, urls.preview, urls.large], [urls.thumb, urls.thumb, null])
  })

  it('is announced to its owner, and recorded', async () => {
    const { id } = await made(await photo(100, 100))
    const events = await run(`select * from account_event where resource_id = '${id}' and type = 'asset.updated'`)
    assert.equal(events.at(-1)?.state, 'ready')
    assert.deepEqual(events.at(-1)?.data.done, ['thumb'])
    const [event] = await run(`select * from history_event where object_id = '${id}' and action = 'asset.process'`)
    assert.equal(event.outcome, 'success')
    assert.ok(event.phases.decode > 0)
  })

  it('that is damaged is nothing, politely, and the original is kept', async () => {
    const bytes = Buffer.concat([Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex'), randomBytes(2000)])
    const asset = await made(bytes)
    assert.deepEqual([asset.state, asset.failure, asset.urls.thumb], ['failed', 'undecodable', null])
    const original = await fetch(asset.urls.original)
    assert.deepEqual(Buffer.from(await original.arrayBuffer()), bytes)
    assert.deepEqual(await run(`select * from graphile_worker.jobs where run_at <= now()`), [], 'and not tried again')
  })

  it('that nothing can show still tells when, where and with what it was taken', async () => {
    const exif = files.tiff({
      image: [{ tag: 0x0110, type: 'ascii', value: 'H1' }],
      exif: [
        { tag: 0x9003, type: 'ascii', value: '2024:06:01 12:00:00' },
        { tag: 0x9011, type: 'ascii', value: '+02:00' },
      ],
      gps: files.gpsFields(52.5, 13.4),
    })
    const broken = Buffer.concat([Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex'), randomBytes(2000)])
    const asset = await made(files.jpegWith(broken, files.exifSegment(exif)))
    assert.deepEqual([asset.state, asset.failure], ['failed', 'undecodable'])
    assert.deepEqual([asset.capturedAt, asset.capturedOffset], ['2024-06-01T10:00:00.000Z', 120])
    assert.equal(asset.camera, 'H1')
    assert.equal(Math.round(asset.location.latitude * 10), 525)
  })

  it('leaves to a person when it was taken, also when it is made anew', async () => {
    const asset = await made(await photo(300, 200), { capturedAt: '2001-01-01T00:00:00Z' })
    assert.equal(asset.capturedAt, '2024-06-01T10:00:00.000Z', 'the file knows better than the upload')
    await ann.call('PATCH', `/v1/assets/${asset.id}`, { capturedAt: '1999-01-01T00:00:00Z', description: 'Mine' })
    await enqueueRebuild(server.engines.jobs, server.engines.db, [asset.id])
    await server.settleJobs()
    const again = await read(asset.id)
    assert.deepEqual([again.capturedAt, again.description], ['1999-01-01T00:00:00.000Z', 'Mine'])
    assert.notEqual(again.urls.thumb, asset.urls.thumb)
    assert.equal((await fetch(asset.urls.thumb)).status, 200, 'who holds the old URL still finds it')

    ahead = 3 * 3_600_000
    await run(`select graphile_worker.reschedule_jobs(array(select id from graphile_worker.jobs), now())`)
    await server.settleJobs()
    ahead = 0
    assert.deepEqual((await examine(server.engines)).findings, [])
    const { rows } = await server.engines.pool.query('select * from object_deletion')
    assert.deepEqual(rows, [])
  })

  it('goes with it, all of it', async () => {
    const asset = await made(await photo(1500, 900))
    await ann.call('DELETE', `/v1/assets/${asset.id}?permanent=true`)
    await server.settleJobs()
    for (const url of [asset.urls.original, asset.urls.thumb, asset.urls.preview]) {
      assert.equal((await fetch(url)).status, 404)
    }
  })

  it('by several jobs at once is made once', async () => {
    const { id } = await upload(ann, await photo(900, 600))
    const { jobs, db } = server.engines
    for (const task of ['asset:process', 'asset:process-bulk'] as const) {
      for (let turn = 0; turn < 3; turn += 1) await jobs.enqueue(db, task, { assetId: id, rebuild: true })
    }
    await server.settleJobs()
    const names = await run(`select name from rendition where asset_id = '${id}' order by name`)
    assert.deepEqual(
      names.map(({ name }) => name),
      ['preview', 'small', 'thumb'],
    )
    assert.deepEqual((await examine(server.engines)).findings, [])
  })

  it('is given up when the photo is deleted while it is made', async () => {
    const { id } = await upload(ann, await photo(1200, 900))
    await ann.call('DELETE', `/v1/assets/${id}?permanent=true`)
    await server.settleJobs()
    assert.deepEqual((await examine(server.engines)).findings, [])
  })

  it('is made anew when the doctor finds it missing', async () => {
    const { id } = await made(await photo(400, 300))
    const [{ object_key: key }] = await run(`select * from rendition where asset_id = '${id}' and name = 'thumb'`)
    await server.engines.store.delete(key)
    const found = await examine(server.engines)
    assert.deepEqual(
      found.findings.map(({ kind, count }) => [kind, count]),
      [['rendition-missing', 1]],
    )
    assert.equal((await examine(server.engines, { repair: true })).ok, true)
    await server.settleJobs()
    assert.deepEqual((await examine(server.engines)).findings, [])
    assert.deepEqual(await dimensions((await read(id)).urls.thumb), ['webp', 320, 240])
  })

  it('for others is the original only when that tells no place', async () => {
    const rowOf = async (id: string) =>
      server.engines.db.selectFrom('asset').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
    const unread = await made(
      Buffer.concat([Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex'), randomBytes(900)]),
    )
    assert.equal(await originalForOthers(server.engines.db, await rowOf(unread.id)), null, 'nobody knows what it tells')
    const plain = await made(await photo(100, 80))
    const placed = await made(await photo(110, 80, { place: true }))
    assert.equal((await originalForOthers(server.engines.db, await rowOf(plain.id)))?.filename, 'photo.jpg')
    assert.equal(await originalForOthers(server.engines.db, await rowOf(placed.id)), null)

    const { db, jobs, store } = server.engines
    await requestShareable(jobs, db, [placed.id, plain.id])
    await server.settleJobs()
    const copy = await originalForOthers(db, await rowOf(placed.id))
    assert.ok(copy !== null)
    const { body } = await store.get(copy.object_key)
    const bytes = await buffer(body)
    const told = await readImageMetadata(bytes, 'image/jpeg')
    assert.deepEqual([told.location, told.holdsLocation, told.camera], [null, false, 'Heliograph H1'])
    const original = await buffer((await store.get((await rowOf(placed.id)).object_key)).body)
    assert.deepEqual(await sharp(bytes).raw().toBuffer(), await sharp(original).raw().toBuffer())
    assert.deepEqual((await examine(server.engines)).findings, [])
  })
})

describe('AVIF, where that is configured', () => {
  let server: TestServer
  before(async () => {
    server = await startTestServer({ AVIF: 'on' })
  })
  after(() => server.close())

  it('follows when the photo can be seen already', async () => {
    const ann = await server.register('ann')
    const { id } = await upload(ann, await photo(800, 400))
    await server.settleJobs()
    const { rows } = await server.engines.pool.query(
      `select state, data from account_event where resource_id = $1 order by id`,
      [id],
    )
    const told = rows.filter(({ data }) => data?.done).map(({ state, data }) => [state, data.done.length, data.left])
    assert.deepEqual(told, [
      ['ready', 3, ['avif']],
      ['ready', 3, []],
    ])
    const { body } = await ann.call('GET', `/v1/assets/${id}`)
    assert.equal(body.processing, null)
    assert.equal((await fetch(body.urls.avif.preview)).headers.get('content-type'), 'image/avif')
  })
})
