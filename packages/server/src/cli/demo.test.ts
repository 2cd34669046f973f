import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { jpeg } from '../testing/photos.ts'
import { call, type Json, startTestServer, type TestServer } from '../testing/server.ts'
import { withoutFfmpeg } from '../testing/videos.ts'
import { demoCommand } from './demo.ts'
import { planPictures } from './demo-pictures.ts'
import { createRandom } from './demo-scenes.ts'
import { runForTest } from './upload-testing.ts'

const count = 8
const password = 'correct horse battery'

let server: TestServer
let folder: string

before(async () => {
  server = await startTestServer()
  folder = await mkdtemp(join(tmpdir(), 'heliograph-demo-'))
})
after(async () => {
  await server.close()
  await rm(folder, { recursive: true })
})

const demo = (...argv: string[]) =>
  runForTest(demoCommand, ['--server', server.address, '--videos', '1', ...argv], {
    env: { XDG_CONFIG_HOME: join(folder, 'config'), PATH: process.env.PATH },
    cwd: folder,
  })

async function signedIn(email = 'demo@localhost') {
  const { body } = await call(server.address, null, 'POST', '/v1/sessions', { email, password })
  return (method: string, path: string) => call(server.address, body.token, method, path)
}

describe('heliograph demo', () => {
  it('fills a library with photos of years and places, favourites, albums and a link', async () => {
    const { code, stdout, stderr } = await demo('--count', String(count), '--password', password)
    assert.equal(code, 0, stderr)
    assert.match(stdout, /demo@localhost/)
    assert.match(stdout, new RegExp(password))

    const ask = await signedIn()
    const { items }: { items: Json[] } = (await ask('GET', '/v1/assets?limit=500')).body
    const photos = items.filter(({ kind }) => kind === 'image')
    assert.equal(photos.length, count)
    if (withoutFfmpeg === false) assert.equal(items.length, count + 1)
    else assert.match(stderr, /no ffmpeg/)
    assert.deepEqual([...new Set(items.map(({ state }) => state))], ['ready'])
    assert.ok(items.some(({ favorite }) => favorite))
    assert.ok(new Set(photos.map(({ camera }) => camera)).size > 1)

    for (const picture of planPictures(count)) {
      const photo = photos.find(({ filename }) => filename === picture.filename)
      const local = Date.parse(photo.capturedAt) + (photo.capturedOffset ?? 0) * 60_000
      assert.equal(new Date(local).toISOString().slice(0, 19), picture.takenAt)
      assert.equal(photo.width, picture.width)
      if (picture.place === null) assert.equal(photo.location, null)
      else assert.ok(Math.abs(photo.location.latitude - picture.place.latitude) < 0.001)
    }

    const albums: Json[] = (await ask('GET', '/v1/albums')).body.items
    assert.ok(albums.length > 0)
    const token = /\/s\/(\S+)/.exec(stdout)?.[1]
    const shared = await call(server.address, null, 'GET', `/v1/links/${token}`)
    assert.equal(shared.status, 200)
    assert.ok(shared.body.album.assetCount > 0)
  })

  it('does not take again what a person has renamed', async () => {
    const ask = await signedIn()
    await server.engines.pool.query(`update asset set filename = 'renamed.jpg' where filename = $1`, [
      planPictures(1)[0]?.filename,
    ])
    const { stdout } = await demo('--count', String(count))
    assert.match(stdout, /Already there +1 file/)
    const { items }: { items: Json[] } = (await ask('GET', '/v1/assets?limit=500')).body
    assert.equal(items.filter(({ kind }) => kind === 'image').length, count)
    await server.engines.pool.query(`update asset set filename = $1 where filename = 'renamed.jpg'`, [
      planPictures(1)[0]?.filename,
    ])
  })

  it('adds nothing when it runs again, and needs no password for that', async () => {
    const ask = await signedIn()
    const before = await Promise.all([ask('GET', '/v1/assets?limit=500'), ask('GET', '/v1/albums')])
    const { code, stdout } = await demo('--count', String(count))
    assert.equal(code, 0)
    assert.match(stdout, /it is all there/)
    const after = await Promise.all([ask('GET', '/v1/assets?limit=500'), ask('GET', '/v1/albums')])
    for (const [index, { body }] of after.entries()) {
      assert.deepEqual(
        body.items.map(({ id }: Json) => id).sort(),
        before[index]?.body.items.map(({ id }: Json) => id).sort(),
      )
    }
    assert.equal((await stat(join(folder, 'config', 'heliograph', 'demo.json'))).mode & 0o777, 0o600)
  })

  it('takes the files of a folder instead, for an account that is named', async () => {
    await mkdir(join(folder, 'mine'))
    await writeFile(join(folder, 'mine', 'one.jpg'), jpeg(4000))
    const { code, stderr } = await demo('--from', 'mine', '--email', 'eve@example.org', '--password', password)
    assert.equal(code, 0, stderr)
    const ask = await signedIn('eve@example.org')
    const { items }: { items: Json[] } = (await ask('GET', '/v1/assets')).body
    assert.deepEqual(
      items.map(({ filename }) => filename),
      ['one.jpg'],
    )
  })

  it('says so when the account is somebody else’s', async () => {
    const { code, stderr } = await demo('--email', 'eve@example.org', '--password', 'not the right one')
    assert.equal(code, 2)
    assert.match(stderr, /--email and --password/)
  })
})

it('the plan of the pictures is the same on every run, whatever their number', () => {
  assert.deepEqual(planPictures(200).slice(0, 20), planPictures(20))
  assert.equal(new Set(planPictures(200).map(({ filename }) => filename)).size, 200)
  assert.equal(createRandom(7)(), createRandom(7)())
})
