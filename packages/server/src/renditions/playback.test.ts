import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { examine } from '../doctor/index.ts'
import { createSandbox } from '../engines/sandbox/sandbox.ts'
import { stores } from '../testing/s3-and-files.ts'
import { type Json, startTestServer, type TestAccount, type TestServer } from '../testing/server.ts'
import { upload } from '../testing/upload.ts'
import { video, withoutFfmpeg } from '../testing/videos.ts'
import {
  CannotDecode,
  createImageDecoder,
  createIsolatedFiles,
  createLazyVideoDecoder,
  type RenditionContext,
} from './index.ts'
import { processAsset } from './process.ts'

for (const store of stores) {
  describe(`what is made of a video on ${store.name}`, { skip: withoutFfmpeg || store.skip }, () => {
    let server: TestServer
    let ann: TestAccount

    before(async () => {
      server = await startTestServer(store.environment())
      ann = await server.register('ann')
    })
    after(() => server?.close())

    const read = async (id: string): Promise<Json> => (await ann.call('GET', `/v1/assets/${id}`)).body
    const states = async (id: string) => {
      const { rows } = await server.engines.pool.query(
        `select state, data -> 'done' as done from account_event where resource_id = $1 and type = 'asset.updated'
       and data ? 'done' order by at, id`,
        [id],
      )
      return rows.map(({ state, done }) => [state, done.toSorted().join(' ')])
    }

    it('that plays everywhere is its poster, then itself with its index at the start', async () => {
      const { id } = await upload(ann, await video('320x240', { everywhere: true }), { contentType: 'video/quicktime' })
      await server.settleJobs()
      const asset = await read(id)
      assert.deepEqual([asset.state, asset.processing, asset.width, asset.height], ['ready', null, 320, 240])
      assert.ok(Math.abs(asset.duration - 1) < 0.1)
      assert.equal(asset.urls.hls, null)
      assert.equal((await fetch(asset.urls.poster)).headers.get('content-type'), 'image/jpeg')
      assert.equal((await fetch(asset.urls.thumb)).headers.get('content-type'), 'image/webp')
      const playable = Buffer.from(await (await fetch(asset.urls.video)).arrayBuffer())
      assert.ok(playable.indexOf('moov') < playable.indexOf('mdat'))
      assert.deepEqual(await states(id), [
        ['processing', 'poster thumb'],
        ['ready', 'video'],
      ])
    })

    it('that does not is a stream: watched in one size while the others are made', async () => {
      const { id } = await upload(ann, await video('1280x720', { everywhere: false }), {
        contentType: 'video/quicktime',
      })
      await server.settleJobs()
      const asset = await read(id)
      assert.deepEqual([asset.state, asset.processing, asset.urls.video], ['ready', null, null])
      assert.deepEqual(await states(id), [
        ['processing', 'poster preview small thumb'],
        ['ready', 'hls-720'],
        ['ready', 'hls-480'],
      ])

      const master = await fetch(asset.urls.hls)
      assert.deepEqual([master.status, master.headers.get('content-type')], [200, 'application/vnd.apple.mpegurl'])
      const variants = (await master.text()).split('\n').filter((line) => line.startsWith('http'))
      assert.equal(variants.length, 2)
      for (const url of variants) {
        const playlist = await (await fetch(url)).text()
        const [file = ''] = playlist.split('\n').filter((line) => line.startsWith('http'))
        const [, length, offset] = /#EXT-X-BYTERANGE:(\d+)@(\d+)/.exec(playlist)?.map(Number) ?? []
        assert.ok(length !== undefined && offset !== undefined)
        const segment = await fetch(file, { headers: { range: `bytes=${offset}-${offset + length - 1}` } })
        assert.deepEqual([segment.status, (await segment.arrayBuffer()).byteLength], [206, length])
      }
      assert.deepEqual((await examine(server.engines)).findings, [])
    })

    it('that cannot be copied although it should play everywhere is converted instead', async () => {
      const { id } = await upload(ann, await video('320x240', { everywhere: true }), { contentType: 'video/quicktime' })
      await server.settleJobs()
      const { db, jobs, store: objects } = server.engines
      const sandbox = await createSandbox()
      const log = { warn: () => undefined }
      const images = createImageDecoder({ sandbox, processes: 1 })
      const videos = createLazyVideoDecoder({ sandbox, searchPath: process.env.PATH ?? '' })
      const fastStart = () => Promise.reject(new CannotDecode('undecodable', 'This video is damaged or incomplete.'))
      const context: RenditionContext = {
        db,
        jobs,
        store: objects,
        images,
        videos: { ...videos, fastStart },
        files: createIsolatedFiles({ sandbox, log }),
        scratch: join(server.dataDir, 'scratch'),
        avif: false,
        deliveryBucket: 3_600,
        now: () => new Date(),
        fault: () => undefined,
        log,
        markLost: () => Promise.reject(new Error('It is there')),
      }
      try {
        const { signal } = new AbortController()
        await processAsset(context, { assetId: id, rebuild: true }, { attempt: 1, priority: 'interactive', signal })
      } finally {
        await images.close()
      }
      await server.settleJobs()
      const asset = await read(id)
      assert.deepEqual([asset.state, asset.failure, asset.processing, asset.urls.video], ['ready', null, null, null])
      assert.equal((await fetch(asset.urls.hls)).status, 200)
    })

    it('has playlists for those who hold their signed URL, and for nobody else', async () => {
      const { body } = await ann.call('GET', '/v1/assets?kind=video')
      const withStream = body.items.find((asset: Json) => asset.urls.hls !== null)
      const other = body.items.find((asset: Json) => asset.id !== withStream.id)
      const url = new URL(withStream.urls.hls)
      const status = async (change: (url: URL) => void) => {
        const changed = new URL(url)
        change(changed)
        return (await fetch(changed)).status
      }
      assert.equal(await status(() => undefined), 200)
      assert.equal(await status((changed) => (changed.search = '')), 403)
      assert.equal(
        await status((changed) => (changed.pathname = changed.pathname.replace(withStream.id, other.id))),
        403,
      )
      assert.equal(await status((changed) => (changed.pathname = changed.pathname.replace('master', 'hls-720'))), 403)
      assert.equal(await status((changed) => changed.searchParams.set('expires', '2000000000')), 403)
      const asFile = new URL(`/m/playlists/${withStream.id}/master.m3u8${url.search}`, url)
      assert.equal((await fetch(asFile)).status, 404, 'its signature opens no file')
    })
  })
}
