/** Links as their owner makes them, how they are unlocked, and how long what they give lasts. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Json } from '../testing/server.ts'
import { unzip } from '../testing/unzip.ts'
import { withoutFfmpeg } from '../testing/videos.ts'
import { bearer, type SharedServer, startSharedServer, unlock, visitorOf } from './testing/shared-album.ts'

const password = 'open sesame'

describe('links', { skip: withoutFfmpeg }, () => {
  let shared: SharedServer
  let albumId: string
  before(async () => {
    shared = await startSharedServer({ TRUSTED_PROXIES: '127.0.0.1' })
    albumId = await shared.makeAlbum()
  })
  after(() => shared.close())

  const events = async (action: string, linkToken: string) => {
    const { rows } = await shared.server.engines.pool.query(
      `select outcome, error_class, actor_id from history_event join album_link on album_link.id::text = object_id
       where action = $1 and token = $2 order by at, history_event.id`,
      [action, linkToken],
    )
    return rows
  }

  it('are made, read, changed and revoked by the owner of the album alone', async () => {
    const { ann, server } = shared
    const [bob, eve] = [await server.register('bob'), await server.register('eve')]
    await ann.call('PUT', `/v1/albums/${albumId}/members/bob`, { role: 'contributor' })
    const link = await shared.makeLink(albumId, { password, allowUpload: true })
    assert.match(link.token, /^[A-Za-z0-9_-]{43}$/)
    assert.deepEqual(
      { ...link, token: '', createdAt: '' },
      {
        token: '',
        url: `${server.address}/s/${link.token}`,
        hasPassword: true,
        expiresAt: null,
        allowDownload: true,
        allowUpload: true,
        showLocation: false,
        createdAt: '',
      },
    )
    for (const [account, ofAlbum] of [
      [bob, 403],
      [eve, 404],
    ] as const) {
      assert.equal((await account.call('GET', `/v1/albums/${albumId}/links`)).status, ofAlbum)
      assert.equal((await account.call('POST', `/v1/albums/${albumId}/links`, {})).status, ofAlbum)
      assert.equal((await account.call('PATCH', `/v1/links/${link.token}`, { password: null })).status, 404)
      assert.equal((await account.call('DELETE', `/v1/links/${link.token}`)).status, 404)
    }
    const listed = await ann.call('GET', `/v1/albums/${albumId}/links`)
    assert.deepEqual(listed.body.items, [link])
    assert.equal(listed.headers.get('cache-control'), 'private, no-store')
    assert.ok(!JSON.stringify(listed.body).includes('argon2'))

    const changed = await ann.call('PATCH', `/v1/links/${link.token}`, { password: null, showLocation: true })
    assert.deepEqual(changed.body, { ...link, hasPassword: false, showLocation: true })
    assert.equal((await ann.call('DELETE', `/v1/links/${link.token}`)).status, 204)
    assert.deepEqual((await ann.call('GET', `/v1/albums/${albumId}/links`)).body.items, [])
    const { rows } = await server.engines.pool.query(
      `select action from history_event where object_type = 'link' and actor_id = $1 order by id`,
      [ann.id],
    )
    assert.deepEqual(
      rows.map(({ action }) => action),
      ['link.create', 'link.update', 'link.delete'],
    )
  })

  it('are refused what would not hold: an end in the past, an empty password, more than a hundred', async () => {
    const { ann } = shared
    const past = new Date(Date.now() - 1000).toISOString()
    const link = await shared.makeLink(albumId, { password })
    for (const fields of [{ expiresAt: past }, { expiresAt: '' }, { password: '' }, { password: 'abc' }]) {
      assert.equal((await ann.call('POST', `/v1/albums/${albumId}/links`, fields)).status, 400, JSON.stringify(fields))
      assert.equal((await ann.call('PATCH', `/v1/links/${link.token}`, fields)).status, 400, JSON.stringify(fields))
    }
    assert.equal((await visitorOf(shared.server, link.token)('GET', '')).status, 401, 'it is locked still')
    const crowded = await shared.makeAlbum()
    await shared.server.engines.pool.query(
      `insert into album_link (id, album_id, token)
       select gen_random_uuid(), $1, md5(random()::text) from generate_series(1, 99)`,
      [crowded],
    )
    const answers = await Promise.all([1, 2].map(() => ann.call('POST', `/v1/albums/${crowded}/links`, {})))
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409])
  })

  it('that are unknown, revoked or no links at all have one answer', async () => {
    const { server, ann } = shared
    const revoked = await shared.makeLink(albumId, { password })
    await ann.call('DELETE', `/v1/links/${revoked.token}`)
    const answers = []
    for (const token of [revoked.token, 'A'.repeat(43), 'x', `${'A'.repeat(42)}%00`, '%27%20or%20true']) {
      const { status, body, headers } = await visitorOf(server, token)('GET', '/assets')
      answers.push({ status, body: { ...body, instance: '' }, cached: headers.get('cache-control') })
    }
    for (const answer of answers) assert.deepEqual(answer, answers[0])
    assert.equal(answers[0]?.status, 404)
  })

  it('are unlocked for twelve hours, by a cookie for this link alone, out of reach of scripts', async () => {
    const { server, clock } = shared
    const { token } = await shared.makeLink(albumId, { password })
    const answer = await visitorOf(server, token)('POST', '/unlock', { password })
    assert.equal(answer.status, 200)
    const life = Date.parse(answer.body.expiresAt) - (Date.now() + clock.ahead)
    assert.ok(life > 12 * 3_600_000 - 60_000 && life <= 12 * 3_600_000)
    const cookie = answer.headers.get('set-cookie') ?? ''
    assert.ok(cookie.startsWith(`heliograph_link=${answer.body.access};`))
    for (const part of [`Path=/v1/links/${token}`, 'HttpOnly', 'SameSite=Lax']) assert.ok(cookie.includes(part), part)
    assert.deepEqual(await events('link.unlock', token), [{ outcome: 'success', error_class: null, actor_id: null }])

    const end = new Date(Date.now() + clock.ahead + 90_000)
    const short = await shared.makeLink(albumId, { password, expiresAt: end.toISOString() })
    const unlocked = await visitorOf(server, short.token)('POST', '/unlock', { password })
    assert.ok(Date.parse(unlocked.body.expiresAt) <= end.getTime(), 'never past the end of the link')
  })

  it('slow down who guesses, by network and then for all, and lock out nobody who is in', async () => {
    const { server, clock } = shared
    const { token } = await shared.makeLink(albumId, { password })
    const access = await unlock(server, token, password)
    clock.stoppedAt = Date.now() + clock.ahead
    const tryFrom = (network: number, word = 'wrong password') =>
      visitorOf(server, token, { 'x-forwarded-for': `10.0.${network}.1` })('POST', '/unlock', { password: word })
    const statusesOf = async (network: number, count: number) => {
      const answers = []
      for (let turn = 0; turn < count; turn += 1) answers.push((await tryFrom(network)).status)
      return answers
    }
    const first = await statusesOf(1, 11)
    assert.deepEqual(first, [...Array.from({ length: 10 }, () => 401), 429])
    const refused = await tryFrom(1, password)
    assert.equal(refused.status, 429, 'the right one is not told from others')
    assert.ok(Number(refused.headers.get('retry-after')) > 0)
    assert.equal((await tryFrom(2, password)).status, 200, 'others are let in')

    for (const network of [3, 4, 5, 6]) await statusesOf(network, 10)
    const all = await tryFrom(7)
    assert.equal(all.status, 429, 'all networks together')
    const { status } = await visitorOf(server, token, bearer(access))('GET', '')
    assert.equal(status, 200, 'who is in stays in')
    clock.stoppedAt += 60_000
    assert.equal((await tryFrom(8, password)).status, 200, 'it passes')

    clock.stoppedAt = null
    const classes = (await events('link.unlock', token)).map(({ error_class }) => error_class)
    assert.ok(classes.includes('invalid-credentials'))
    // Of refusals only the first of a spell is written down.
    assert.equal(classes.filter((name) => name === 'too-many-requests').length, 2)
  })

  it('give URLs of their own, that live for minutes and never longer than the link', async () => {
    const { server, ann, photo, clip, clock } = shared
    const endless = await shared.makeLink(albumId)
    const expiryOf = (url: string) => Number(new URL(url).searchParams.get('expires'))
    const urlsOf = async (token: string, id: string): Promise<Json> =>
      (await visitorOf(server, token)('GET', `/assets/${id}`)).body.urls
    const own = (await ann.call('GET', `/v1/assets/${photo.id}`)).body.urls
    const given = await urlsOf(endless.token, photo.id)
    const now = () => (Date.now() + clock.ahead) / 1000
    for (const name of ['original', 'thumb', 'small', 'preview']) {
      assert.notEqual(given[name], own[name])
      assert.ok(expiryOf(given[name]) - now() <= 600, name)
    }
    assert.ok(expiryOf((await urlsOf(endless.token, clip.id)).video) - now() <= 600)
    assert.deepEqual(await urlsOf(endless.token, photo.id), given, 'the same within their time')

    const end = Math.floor(now()) + 100
    const short = await shared.makeLink(albumId, { expiresAt: new Date(end * 1000).toISOString() })
    const { film } = shared
    const urls = [
      ...Object.values<string | null>(await urlsOf(short.token, photo.id)),
      ...Object.values<string | null>(await urlsOf(short.token, film.id)),
    ].filter((url) => url !== null)
    assert.ok(urls.length >= 8)
    for (const url of urls) {
      assert.equal(expiryOf(url), end)
      assert.equal((await fetch(url, { method: 'HEAD' })).status, 200)
    }
    clock.ahead += end * 1000 - (Date.now() + clock.ahead)
    for (const url of urls) assert.equal((await fetch(url, { method: 'HEAD' })).status, 410, url)
  })

  it('are downloaded by the form of a page, with the cookie and from this origin alone', async () => {
    const { server, photo } = shared
    const { token } = await shared.makeLink(albumId, { password })
    const access = await unlock(server, token, password)
    const post = (ids: string, site: string) =>
      fetch(`${server.address}/v1/links/${token}/download`, {
        method: 'POST',
        headers: { cookie: `heliograph_link=${access}`, 'sec-fetch-site': site },
        body: new URLSearchParams({ ids }),
      })
    for (const [ids, count] of [
      ['', 3],
      [photo.id, 1],
    ] as const) {
      const answer = await post(ids, 'same-origin')
      assert.equal(answer.status, 200)
      assert.match(answer.headers.get('content-disposition') ?? '', /^attachment/)
      assert.equal(Object.keys(await unzip(new Uint8Array(await answer.arrayBuffer()))).length, count)
    }
    assert.equal((await post('', 'cross-site')).status, 403)
    assert.equal((await post('not an id', 'same-origin')).status, 400)
  })

  it('play films by ranges through a redirection, as long as they are good', async () => {
    const { server, ann, film } = shared
    const { token } = await shared.makeLink(albumId, { password })
    const access = await unlock(server, token, password)
    const { urls } = (await visitorOf(server, token, bearer(access))('GET', `/assets/${film.id}`)).body
    const lineOf = async (url: string) => /^http.*$/m.exec(await (await fetch(url)).text())?.[0] ?? ''
    const media = await lineOf(urls.hls)
    const segment = await lineOf(media)
    assert.ok(segment.includes(`/v1/links/${token}/`), 'no playlist names a file')
    const part = await fetch(segment, { headers: { range: 'bytes=0-99' } })
    assert.equal(part.status, 206)
    assert.equal((await part.arrayBuffer()).byteLength, 100)

    const own = (await ann.call('GET', `/v1/assets/${film.id}`)).body.urls.hls
    const swap = (from: string, to: string) => `${to.split('?')[0]}?${from.split('?')[1]}`
    assert.equal((await fetch(swap(own, urls.hls))).status, 403, 'what the owner was given opens no link')
    assert.equal((await fetch(swap(urls.hls, own))).status, 403, 'and the other way round')
    assert.equal((await fetch(swap(urls.hls, media))).status, 403)
    const other = await shared.makeLink(albumId, { password })
    assert.equal((await fetch(urls.hls.replace(token, other.token))).status, 403)

    await ann.call('DELETE', `/v1/links/${token}`)
    for (const url of [urls.hls, media, segment]) assert.equal((await fetch(url)).status, 404)
  })
})
