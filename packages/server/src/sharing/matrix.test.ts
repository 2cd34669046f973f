/**
 * Everything that can be reached by a link, against everything that can become of a link. What must come out follows from
 * the policy a route declares and one table; each route needs a sample here, so that a new one is not forgotten.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { jpeg } from '../testing/photos.ts'
import type { Json } from '../testing/server.ts'
import { putParts } from '../testing/upload.ts'
import { withoutFfmpeg } from '../testing/videos.ts'
import type { LinkNeed } from './index.ts'
import { visitorBucket } from './presenting.ts'
import { bearer, type SharedServer, startSharedServer, unlock, visitorOf } from './testing/shared-album.ts'

const password = 'open sesame'
const otherPassword = 'close sesame'

/** What one visitor holds of one link, before something becomes of it. */
interface World {
  albumId: string
  token: string
  /** Null for a link without password. */
  access: string | null
  /** Signed, as the visitor was given them. */
  urls: Record<string, string>
  /** Names of playlists and of what they name, with the signature of each. */
  played: { master: string; media: string; segment: string }
  uploads: string[]
  /** The password that is right in the end. */
  password: string
}

interface Answer {
  status: number
  headers: Headers
  text: string
}

interface Sample {
  path: string
  body?: unknown
  /** When nothing forbids it. */
  status: number
  /** It is about one asset, which may no longer be in the album. */
  ofAsset?: boolean
}

type Samples = Record<string, (world: World, shared: SharedServer) => Sample | Sample[]>

const samples: Samples = {
  'GET /v1/links/:token': () => ({ path: '', status: 200 }),
  'POST /v1/links/:token/unlock': (world) => ({ path: '/unlock', body: { password: world.password }, status: 200 }),
  'GET /v1/links/:token/assets': () => ({ path: '/assets', status: 200 }),
  'GET /v1/links/:token/assets/:id': (_, { photo, film }) =>
    [photo, film].map(({ id }) => ({ path: `/assets/${id}`, status: 200, ofAsset: true })),
  'POST /v1/links/:token/download': (_, { photo, film }) => [
    { path: '/download', body: {}, status: 200 },
    { path: '/download', body: { ids: [photo.id, film.id] }, status: 200, ofAsset: true },
  ],
  'GET /v1/links/:token/assets/:id/hls/:file': ({ played }) =>
    Object.entries(played).map(([name, path]) => ({ path, status: name === 'segment' ? 302 : 200, ofAsset: true })),
  'POST /v1/links/:token/uploads': () => ({
    path: '/uploads',
    body: { filename: 'new.jpg', size: 500, contentType: 'image/jpeg' },
    status: 201,
  }),
  'GET /v1/links/:token/uploads/:id': ({ uploads }) => ({ path: `/uploads/${uploads[0]}`, status: 200 }),
  'GET /v1/links/:token/uploads/:id/parts': ({ uploads }) => ({
    path: `/uploads/${uploads[0]}/parts?numbers=1`,
    status: 200,
  }),
  'POST /v1/links/:token/uploads/:id/telemetry': ({ uploads }) => ({
    path: `/uploads/${uploads[0]}/telemetry`,
    body: {
      attempts: [{ part: 1, endpoint: 'edge', phase: 'transfer', bytes: 1, milliseconds: 1, outcome: 'success' }],
    },
    status: 204,
  }),
  'POST /v1/links/:token/uploads/:id/complete': ({ uploads }) => ({
    path: `/uploads/${uploads[1]}/complete`,
    body: {},
    status: 201,
  }),
  'DELETE /v1/links/:token/uploads/:id': ({ uploads }) => ({ path: `/uploads/${uploads[2]}`, status: 204 }),
}

/** What each kind of route answers: `ok` is what its sample says. */
type Expected = Record<LinkNeed, number | 'ok'>

const everything = (status: number | 'ok'): Expected => ({
  see: status,
  unlock: status,
  download: status,
  upload: status,
  play: status,
})

interface State {
  /** What is made before; a password unless told otherwise. */
  link?: { password: string | null; expiresAt?: boolean }
  becomes?: (world: World, shared: SharedServer) => Promise<void>
  /** Undoes it where it would reach the next one. */
  afterwards?: (world: World, shared: SharedServer) => Promise<void>
  /** What the visitor comes with; their access when absent. */
  brings?: (world: World, shared: SharedServer) => Promise<Record<string, string>>
  /** Only somebody who was let in was given signed URLs. */
  holdsUrls?: false
  expected: Expected
  /** Where it differs for what is about one asset. */
  ofAsset?: number
  /** What was signed before: it goes on until its bucket ends, or is over at once. */
  signed?: 410
}

const locked: Expected = { see: 401, unlock: 'ok', download: 401, upload: 401, play: 403 }
const nothing = async () => ({})
const owners = async (_: World, { ann }: SharedServer) => bearer(ann.token)
const cookieOf = (name: string, value: string) => ({ cookie: `${name}=${value}`, 'sec-fetch-site': 'same-origin' })
const patch =
  (fields: object) =>
  async (world: World, { ann }: SharedServer) => {
    const { status } = await ann.call('PATCH', `/v1/links/${world.token}`, fields)
    assert.equal(status, 200)
  }
const suspend =
  (suspended: boolean) =>
  async (_: World, { server, ann }: SharedServer) => {
    await server.engines.pool.query('update account set suspended_at = $1 where id = $2', [
      suspended ? new Date() : null,
      ann.id,
    ])
  }

const states: Record<string, State> = {
  open: { link: { password: null }, brings: nothing, expected: everything('ok') },
  'open, with the session of somebody': {
    link: { password: null },
    brings: async (_, { server }) => bearer((await server.register(`guest${Date.now()}`)).token),
    expected: everything('ok'),
  },
  'open, with a session that is over': {
    link: { password: null },
    brings: async () => ({ ...bearer(`hgs_${'A'.repeat(43)}`), ...cookieOf('heliograph_session', 'hgs_x') }),
    expected: everything('ok'),
  },
  locked: { brings: nothing, holdsUrls: false, expected: locked },
  'locked, with the session of its owner': { brings: owners, holdsUrls: false, expected: locked },
  'locked, with the session of its owner as a cookie': {
    brings: async (_, { ann }) => cookieOf('heliograph_session', ann.token),
    holdsUrls: false,
    expected: locked,
  },
  'locked, with what opens another link': {
    brings: async (world, shared) => {
      const other = await shared.makeLink(world.albumId, { password })
      return bearer(await unlock(shared.server, other.token, password))
    },
    holdsUrls: false,
    expected: locked,
  },
  'locked, with a credential that was tampered with': {
    brings: async ({ access }) => bearer(String(access).replace(/_\d+/, '_9999999999')),
    holdsUrls: false,
    expected: locked,
  },
  'tried with a wrong password': {
    becomes: async (world) => {
      world.password = 'not the password'
    },
    brings: nothing,
    holdsUrls: false,
    expected: { ...locked, unlock: 401 },
  },
  unlocked: { expected: everything('ok') },
  'unlocked, by the cookie': {
    brings: async ({ access }) => cookieOf('heliograph_link', String(access)),
    expected: everything('ok'),
  },
  'unlocked, with a session beside it': {
    brings: async ({ access }, { ann }) => ({
      ...bearer(ann.token),
      ...cookieOf('heliograph_link', String(access)),
    }),
    expected: everything('ok'),
  },
  'of another password by now': {
    becomes: async (world, shared) => {
      await patch({ password: otherPassword })(world, shared)
      world.password = otherPassword
    },
    expected: locked,
  },
  'of the same password, set anew': { becomes: patch({ password }), expected: locked },
  'without its password by now': { becomes: patch({ password: null }), expected: { ...everything('ok'), play: 403 } },
  'unlocked too long ago': {
    becomes: async (_, { clock }) => {
      clock.ahead += 12 * 3_600_000
    },
    expected: { ...locked, play: 410 },
    signed: 410,
  },
  over: {
    link: { password, expiresAt: true },
    becomes: async (_, { clock }) => {
      clock.ahead += 120_000
    },
    expected: everything(410),
    signed: 410,
  },
  'over, and never had a password': {
    link: { password: null, expiresAt: true },
    becomes: async (_, { clock }) => {
      clock.ahead += 120_000
    },
    brings: nothing,
    expected: everything(410),
    signed: 410,
  },
  revoked: {
    becomes: async ({ token }, { ann }) => {
      assert.equal((await ann.call('DELETE', `/v1/links/${token}`)).status, 204)
    },
    expected: everything(404),
  },
  'without downloads': {
    becomes: patch({ allowDownload: false }),
    expected: { ...everything('ok'), download: 403 },
  },
  'without uploads': { becomes: patch({ allowUpload: false }), expected: { ...everything('ok'), upload: 403 } },
  'without the photos that were taken out': {
    becomes: async ({ albumId }, { ann, photo, film }) => {
      const { status } = await ann.call('DELETE', `/v1/albums/${albumId}/assets`, { assetIds: [photo.id, film.id] })
      assert.equal(status, 204)
    },
    expected: everything('ok'),
    ofAsset: 404,
  },
  'without the photos that were thrown away': {
    becomes: async (_, { ann, photo, film }) => {
      const { status } = await ann.call('POST', '/v1/assets/delete', { ids: [photo.id, film.id] })
      assert.equal(status, 200)
    },
    afterwards: async (_, { ann, photo, film }) => {
      for (const { id } of [photo, film]) assert.equal((await ann.call('POST', `/v1/assets/${id}/restore`)).status, 200)
    },
    expected: everything('ok'),
    ofAsset: 404,
  },
  'of an album that is gone': {
    becomes: async ({ albumId }, { ann }) => {
      assert.equal((await ann.call('DELETE', `/v1/albums/${albumId}`)).status, 204)
    },
    expected: everything(404),
  },
  'of somebody who is suspended': { becomes: suspend(true), afterwards: suspend(false), expected: everything(404) },
  'of somebody who left': {
    becomes: async (_, { server, ann }) => {
      await server.engines.pool.query('update account set deleted_at = now() where id = $1', [ann.id])
    },
    afterwards: async (_, { server, ann }) => {
      await server.engines.pool.query('update account set deleted_at = null where id = $1', [ann.id])
    },
    expected: everything(404),
  },
}

describe('a link', { skip: withoutFfmpeg }, () => {
  let shared: SharedServer
  before(async () => {
    shared = await startSharedServer()
  })
  after(() => shared.close())

  async function makeWorld({ link = { password } }: State): Promise<World> {
    const { server, clock, photo, film, clip } = shared
    const albumId = await shared.makeAlbum()
    const end = new Date(Date.now() + clock.ahead + 120_000)
    const { token } = await shared.makeLink(albumId, {
      password: link.password,
      allowUpload: true,
      expiresAt: link.expiresAt === true ? end.toISOString() : null,
    })
    const access = link.password === null ? null : await unlock(server, token, link.password)
    const visit = visitorOf(server, token, access === null ? {} : bearer(access))
    const urlsOf = async (asset: Json) => (await visit('GET', `/assets/${asset.id}`)).body.urls
    const [ofPhoto, ofFilm, ofClip] = [await urlsOf(photo), await urlsOf(film), await urlsOf(clip)]
    const { coverUrl } = (await visit('GET', '')).body.album
    const urls = {
      cover: coverUrl,
      original: ofPhoto.original,
      thumb: ofPhoto.thumb,
      small: ofPhoto.small,
      preview: ofPhoto.preview,
      poster: ofFilm.poster,
      'original film': ofFilm.original,
      video: ofClip.video,
    }
    for (const [name, url] of Object.entries(urls)) assert.equal(typeof url, 'string', `there is no ${name}`)
    const uploads: string[] = []
    for (let count = 0; count < 3; count += 1) {
      const bytes = jpeg(600)
      const planned = await visit('POST', '/uploads', { filename: 'a.jpg', size: 600, contentType: 'image/jpeg' })
      assert.equal(planned.status, 201)
      await putParts(planned.body, bytes)
      uploads.push(planned.body.id)
    }
    const played = await play(ofFilm.hls, token)
    return {
      albumId,
      token,
      access,
      urls: { ...urls, segment: played.file },
      played: played.paths,
      uploads,
      password: link.password ?? password,
    }
  }

  /** From the master to where the bytes are, as a player goes. */
  async function play(master: string, token: string): Promise<{ paths: World['played']; file: string }> {
    const lineOf = async (url: string) => /^http.*$/m.exec(await (await fetch(url)).text())?.[0] ?? ''
    const media = await lineOf(master)
    const segment = await lineOf(media)
    const redirected = await fetch(segment, { redirect: 'manual' })
    const pathOf = (url: string) => url.slice(url.indexOf(`/${token}`) + token.length + 1)
    return {
      paths: { master: pathOf(master), media: pathOf(media), segment: pathOf(segment) },
      file: redirected.headers.get('location') ?? '',
    }
  }

  /** As it is: a redirection is an answer. */
  async function ask(
    method: string,
    url: string,
    headers: Record<string, string> = {},
    body?: unknown,
  ): Promise<Answer> {
    const answer = await fetch(url, {
      method,
      redirect: 'manual',
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: answer.status, headers: answer.headers, text: await answer.text() }
  }

  /** Playlists are asked for with the signature, by those who have it. */
  const withoutSignature = (path: string) => path.replace(/(\/hls\/[^?]+)\?.*/, '$1')

  const routes = () =>
    shared.server.declaredRoutes.flatMap(({ method, url, policy }) =>
      policy.access === 'link' ? [{ method, url, needs: policy.needs }] : [],
    )

  it('has a sample of each of its routes', () => {
    const declared = new Set(routes().map(({ method, url }) => `${method} ${url}`))
    for (const name of declared) assert.ok(name.startsWith('HEAD ') || name in samples, `${name} has no sample`)
    for (const name of Object.keys(samples)) assert.ok(declared.has(name), `${name} is no route`)
    for (const { url, policy, method } of shared.server.declaredRoutes) {
      if (!url.startsWith('/v1/links/') || policy.access === 'link') continue
      assert.deepEqual([policy.access, ['PATCH', 'DELETE'].includes(method)], ['account', true], `${method} ${url}`)
    }
  })

  for (const [name, state] of Object.entries(states)) {
    it(`${name} answers each route as that says`, async () => {
      const { server, clock } = shared
      const world = await makeWorld(state)
      await state.becomes?.(world, shared)
      try {
        const own = state.brings === undefined ? bearer(String(world.access)) : await state.brings(world, shared)
        for (const { method, url, needs } of routes()) {
          const made = samples[`${method} ${url}`.replace('HEAD ', 'GET ')]?.(world, shared) ?? []
          for (const { path, body, status, ofAsset } of [made].flat()) {
            const at = state.holdsUrls === false ? withoutSignature(path) : path
            const answer = await ask(method, `${server.address}/v1/links/${world.token}${at}`, own, body)
            const general = state.expected[needs]
            const expected = general === 'ok' ? ((ofAsset ? state.ofAsset : undefined) ?? status) : general
            assert.equal(answer.status, expected, `${method} ${at}: ${answer.text}`)
            assertTellsNothing(answer, `${method} ${at}`)
          }
        }
        await assertSigned(world, state)
      } finally {
        await state.afterwards?.(world, shared)
      }
      // Whatever became of the link: after two buckets nothing that was signed for its visitors opens anything.
      clock.ahead += 2 * visitorBucket * 1000
      for (const [file, url] of Object.entries(world.urls)) {
        assert.equal((await ask('GET', url)).status, 410, `${file}, two buckets later`)
      }
    })
  }

  /** A refusal says nothing of the album, and no answer may be kept or sent on. */
  function assertTellsNothing({ status, headers, text }: Answer, what: string): void {
    assert.equal(headers.get('cache-control'), 'private, no-store', what)
    assert.equal(headers.get('referrer-policy'), 'no-referrer', what)
    if (status < 400) return
    for (const secret of ['Trip', shared.photo.id, shared.photo.filename, '/m/']) {
      assert.ok(!text.includes(secret), `${what} tells ${secret}: ${text}`)
    }
  }

  async function assertSigned({ urls }: World, { holdsUrls, signed }: State): Promise<void> {
    const ways: [string, Record<string, string>, number][] = [
      ['GET', {}, 200],
      ['HEAD', {}, 200],
      ['GET', { range: 'bytes=0-9' }, 206],
      ['GET', { range: 'bytes=-9' }, 206],
    ]
    for (const [file, url] of Object.entries(urls)) {
      for (const [method, headers, status] of ways) {
        const held = await ask(method, holdsUrls === false ? url.slice(0, url.indexOf('?')) : url, headers)
        const expected = holdsUrls === false ? 403 : (signed ?? status)
        assert.equal(held.status, expected, `${method} ${headers.range ?? ''} of ${file}`)
      }
    }
  }
})
