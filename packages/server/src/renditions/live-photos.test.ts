import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { examine } from '../doctor/index.ts'
import { jpeg } from '../testing/photos.ts'
import { type Json, startTestServer, type TestAccount, type TestServer } from '../testing/server.ts'
import { storageOf, upload } from '../testing/upload.ts'
import { video, withoutFfmpeg } from '../testing/videos.ts'
import * as files from './metadata/testing/files.ts'

/** As an iPhone writes it: the identifier stands in Apple's maker note, tag 0x0011. */
function photo(identifier: string): Buffer {
  const note = Buffer.concat([
    Buffer.from('Apple iOS\0\0\x01MM'),
    files.uint16(1, 0x0011, 2),
    files.uint32(identifier.length + 1, 32, 0),
    Buffer.from(`${identifier}\0`),
  ])
  const exif = files.tiff({ exif: [{ tag: 0x927c, type: 'undefined', value: note }] })
  return files.jpegWith(jpeg(1_000), files.exifSegment(exif))
}

describe('a Live Photo', { skip: withoutFfmpeg }, () => {
  let server: TestServer
  let ann: TestAccount

  before(async () => {
    server = await startTestServer()
    ann = await server.register('ann')
  })
  after(() => server?.close())

  const library = async (query = ''): Promise<Json[]> => (await ann.call('GET', `/v1/assets?${query}`)).body.items
  const ids = async (query = '') => (await library(query)).map((asset) => asset.id)

  async function send(order: 'photo first' | 'video first' | 'at once') {
    const identifier = crypto.randomUUID().toUpperCase()
    const film = await video('320x240', { everywhere: true, identifier })
    const sendPhoto = () => upload(ann, photo(identifier))
    const sendVideo = () => upload(ann, film, { contentType: 'video/quicktime', filename: 'IMG_1.MOV' })
    const steps = order === 'video first' ? [sendVideo, sendPhoto] : [sendPhoto, sendVideo]
    const sent: Json[] = []
    for (const step of steps) {
      sent.push(await step())
      if (order !== 'at once') await server.settleJobs()
    }
    await server.settleJobs()
    const [photoId, videoId] = ['image', 'video'].map((kind) => sent.find((asset) => asset.kind === kind)?.id as string)
    return { photoId: photoId ?? '', videoId: videoId ?? '' }
  }

  for (const order of ['photo first', 'video first', 'at once'] as const) {
    it(`is one photo that moves, sent ${order}`, async () => {
      const { photoId, videoId } = await send(order)
      const shown = await ids()
      assert.deepEqual([shown.includes(photoId), shown.includes(videoId)], [true, false])
      const { body } = await ann.call('GET', `/v1/assets/${photoId}`)
      const motion = await fetch(body.urls.motion)
      assert.deepEqual([motion.status, motion.headers.get('content-type')], [200, 'video/mp4'])
      const months = await ann.call('GET', '/v1/timeline')
      assert.equal(
        months.body.items.reduce((sum: number, month: Json) => sum + month.count, 0),
        shown.length,
      )
    })
  }

  it('goes to the trash, comes back and is removed with its video', async () => {
    const before = await storageOf(ann)
    const { photoId, videoId } = await send('photo first')
    assert.equal((await ann.call('DELETE', `/v1/assets/${photoId}`)).status, 204)
    const isTrashed = async () => (await ann.call('GET', `/v1/assets/${videoId}`)).body.trashedAt !== null
    assert.equal(await isTrashed(), true)
    assert.ok(!(await ids('trashed=true')).includes(videoId), 'it is one thing in the trash, too')
    assert.equal((await ann.call('POST', `/v1/assets/${photoId}/restore`)).body.trashedAt, null)
    assert.equal(await isTrashed(), false)
    await ann.call('DELETE', `/v1/assets/${photoId}?permanent=true`)
    assert.equal((await ann.call('GET', `/v1/assets/${videoId}`)).status, 404)
    await server.settleJobs()
    assert.deepEqual(await storageOf(ann), before)
    assert.deepEqual((await examine(server.engines)).findings, [])
  })

  it('whose video is deleted alone stays a photo', async () => {
    const { photoId, videoId } = await send('photo first')
    await ann.call('DELETE', `/v1/assets/${videoId}`)
    assert.ok((await ids('trashed=true')).includes(videoId))
    assert.equal((await ann.call('GET', `/v1/assets/${photoId}`)).body.urls.motion, null)
  })
})
