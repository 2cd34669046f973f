/** What the URLs of a library open, held by somebody who has some of them and wants others. */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, describe, it } from 'node:test'
import sharp from 'sharp'
import { type Json, startTestServer, type TestAccount, type TestServer } from '../../testing/server.ts'
import { upload } from '../../testing/upload.ts'
import { video, withoutFfmpeg } from '../../testing/videos.ts'
import { enqueueRebuild } from '../index.ts'

describe('the signed URLs of a library', { skip: withoutFfmpeg }, () => {
  let server: TestServer
  let ann: TestAccount
  let ahead = 0
  before(async () => {
    server = await startTestServer({}, { now: () => new Date(Date.now() + ahead) })
    ann = await server.register('ann')
  })
  after(() => server.close())

  const read = async (id: string): Promise<Json> => (await ann.call('GET', `/v1/assets/${id}`)).body
  async function made(bytes: Buffer, contentType = 'image/jpeg'): Promise<Json> {
    const { id } = await upload(ann, bytes, { contentType })
    await server.settleJobs()
    return read(id)
  }
  const photo = (background: string) =>
    sharp({ create: { width: 900, height: 600, channels: 3, background } })
      .jpeg()
      .toBuffer()
  const urlsOf = ({ urls }: Json) => Object.values(urls).filter((url) => typeof url === 'string')

  it('open what they were signed for and nothing else: neither siblings, nor other assets, nor lists for files', async () => {
    const assets = [
      await made(await photo('red')),
      await made(await photo('blue')),
      await made(await video('320x240', { everywhere: false }), 'video/quicktime'),
      await made(await video('320x240', { everywhere: false }), 'video/quicktime'),
    ]
    const urls = new Set(assets.flatMap(urlsOf))
    for (const url of [...urls].filter((url) => url.includes('.m3u8'))) {
      for (const list of (await (await fetch(url)).text()).match(/^http.*$/gm) ?? []) {
        urls.add(list)
        for (const file of (await (await fetch(list)).text()).match(/^http.*$/gm) ?? []) urls.add(file)
      }
    }
    assert.ok(urls.size >= 14, `${urls.size} URLs`)
    const parsed = [...urls].map((url) => new URL(url))
    const under = (url: URL, { search }: URL) => `${url.origin}${url.pathname}${search}`
    for (const url of parsed) {
      assert.equal((await fetch(url, { method: 'HEAD' })).status, 200)
      for (const other of parsed) {
        if (other.pathname === url.pathname) continue
        assert.equal((await fetch(under(url, other))).status, 403, `${url.pathname} with ${other.pathname}`)
      }
      const folder = url.pathname.slice(0, url.pathname.lastIndexOf('/') + 1)
      for (const path of [folder, `${folder}other.webp`, `${url.pathname}/`, `${url.pathname}.mp4`]) {
        const { status } = await fetch(`${url.origin}${path}${url.search}`)
        assert.ok([400, 403, 404].includes(status), `${path}: ${status}`)
      }
    }
  })

  it('are not needed for what is public, and nothing else passes for public', async () => {
    const { urls } = await made(await photo('green'))
    const { origin, pathname, search } = new URL(urls.thumb)
    const key = pathname.slice('/m/'.length)
    const digits = '0'.repeat(32)
    const tricks = [
      key,
      `public/../${key}`,
      `public/%2e%2e/${key}`,
      `public/..%2f${key}`,
      `public%2f${digits}.webp`,
      `public/${digits}.webp/../../${key}`,
      `public/${digits}.svg`,
      `public/${digits}.webp?x`,
      `public/${digits}.webp%00${key}`,
      `PUBLIC/${digits}.webp`,
      `/public/${digits}.webp`,
    ]
    for (const path of tricks) {
      // By hand, since `fetch` would tidy the path.
      const status = await statusOf(origin, `/m/${path}`)
      assert.ok([400, 403, 404].includes(status), `${path}: ${status}`)
    }
    assert.equal(await statusOf(origin, `/m/public/${digits}.webp`), 404)
    assert.equal(await statusOf(origin, `${pathname}${search}`), 200)
  })

  it('of what was replaced die after their time, and of what was deleted at once, in every way of asking', async () => {
    const before = await made(await photo('yellow'))
    await enqueueRebuild(server.engines.jobs, server.engines.db, [before.id])
    await server.settleJobs()
    assert.equal((await fetch(before.urls.thumb)).status, 200, 'whoever was shown it a moment ago')
    ahead = 3 * 3_600_000
    await server.engines.pool.query(
      `select graphile_worker.reschedule_jobs(array(select id from graphile_worker.jobs), now())`,
    )
    await server.settleJobs()
    ahead = 0
    assert.equal((await fetch(before.urls.thumb)).status, 404)

    const now = await read(before.id)
    assert.equal((await fetch(now.urls.thumb)).status, 200)
    await ann.call('DELETE', `/v1/assets/${now.id}?permanent=true`)
    await server.settleJobs()
    for (const url of urlsOf(now)) {
      for (const method of ['GET', 'HEAD']) {
        for (const headers of [{}, { range: 'bytes=0-9' }, { 'if-none-match': '*' }]) {
          const { status } = await fetch(url, { method, headers: headers as Record<string, string> })
          assert.equal(status, 404, `${method} ${JSON.stringify(headers)}`)
        }
      }
    }
  })

  it('are given to nobody but the owner', async () => {
    const { id } = await made(await photo('pink'))
    const eve = await server.register('eve')
    for (const [method, path] of [
      ['GET', `/v1/assets/${id}`],
      ['PATCH', `/v1/assets/${id}`],
      ['DELETE', `/v1/assets/${id}?permanent=true`],
      ['POST', `/v1/assets/${id}/restore`],
    ] as const) {
      assert.equal((await eve.call(method, path, method === 'PATCH' ? { favorite: true } : undefined)).status, 404)
    }
    assert.deepEqual((await eve.call('GET', `/v1/assets?ids=${id}`)).body.items, [])
    assert.equal((await eve.call('PATCH', '/v1/accounts/me', { avatarAssetId: id })).status >= 400, true)
    assert.equal((await fetch(`${server.address}/v1/assets/${id}`)).status, 401)
    assert.equal((await read(id)).favorite, false)
  })
})

async function statusOf(origin: string, path: string): Promise<number> {
  const { hostname, port } = new URL(origin)
  return new Promise((resolve, reject) => {
    request({ hostname, port, path }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
      .on('error', reject)
      .end()
  })
}
