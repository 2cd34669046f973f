/**
 * Every route against every kind of caller. What must come out follows from the declared policy alone; each route needs a
 * sample request here, so that a new one is not forgotten.
 */
import assert from 'node:assert/strict'
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { scopes } from '../accounts/index.ts'
import { jpeg, sha256 } from '../testing/photos.ts'
import { call, startTestServer, type TestAccount, type TestServer } from '../testing/server.ts'
import { plan, upload } from '../testing/upload.ts'
import { makeSite, type SmallSite } from '../web/testing/site.ts'
import type { DeclaredRoute } from './policy.ts'

type Caller = 'nobody' | 'stranger' | 'owner' | 'administrator' | 'expired token' | 'wrong scope' | 'forged token'
const callers: Caller[] = [
  'nobody',
  'expired token',
  'wrong scope',
  'forged token',
  'stranger',
  'owner',
  'administrator',
]

interface Sample {
  path: string
  body?: unknown
  headers?: Record<string, string>
}

/** A link to an album with the asset; made for the routes that need one. */
interface SharedWorld {
  albumId: string
  token: string
  uploadId: string
}

interface World {
  shared: SharedWorld
  owner: TestAccount
  assetId: string
  uploadId: string
  tusId: string
  tokenId: string
}

/** The token in these paths is none; whatever else a caller brings must not open them. */
const uppy = '/v1/uppy/hgp_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/s3'
const uppyForm = { 'content-type': 'multipart/form-data; boundary=b' }
const tusCreation = {
  'tus-resumable': '1.0.0',
  'upload-length': '400',
  'upload-metadata': `filetype ${btoa('image/jpeg')}`,
}

const link = ({ shared: { token } }: World) => `/v1/links/${token}`
const guestUpload = (world: World) => `${link(world)}/uploads/${world.shared.uploadId}`

const album = ({ shared }: World) => `/v1/albums/${shared.albumId}`

/** A request each route takes, with a fresh world for every caller who gets anywhere, so that a deletion by one hides nothing. */
const samples: Record<string, (world: World) => Sample> = {
  'GET /healthz': () => ({ path: '/healthz' }),
  'GET /readyz': () => ({ path: '/readyz' }),
  'GET /v1/openapi.json': () => ({ path: '/v1/openapi.json' }),
  'GET /.well-known/jwks.json': () => ({ path: '/.well-known/jwks.json' }),
  'GET /v1/server': () => ({ path: '/v1/server' }),
  'POST /v1/accounts': ({ owner }) => ({
    path: '/v1/accounts',
    body: {
      handle: `x${owner.handle}${Math.random().toString(36).slice(2)}`,
      email: `${Math.random()}@example.org`,
      password: 'correct horse',
      name: 'x',
    },
  }),
  'POST /v1/sessions': ({ owner }) => ({
    path: '/v1/sessions',
    body: { email: `${owner.handle}@example.org`, password: 'correct horse battery' },
  }),
  'DELETE /v1/sessions/current': () => ({ path: '/v1/sessions/current' }),
  'DELETE /v1/sessions': () => ({ path: '/v1/sessions' }),
  'GET /v1/accounts': () => ({ path: '/v1/accounts' }),
  'GET /v1/accounts/me': () => ({ path: '/v1/accounts/me' }),
  'PATCH /v1/accounts/me': () => ({ path: '/v1/accounts/me', body: { name: 'New name' } }),
  'DELETE /v1/accounts/me': () => ({ path: '/v1/accounts/me' }),
  'GET /v1/accounts/:handle': ({ owner }) => ({ path: `/v1/accounts/${owner.handle}` }),
  'PATCH /v1/accounts/:handle': ({ owner }) => ({
    path: `/v1/accounts/${owner.handle}`,
    body: { storageLimitBytes: 2 ** 40 },
  }),
  'GET /v1/accounts/me/tokens': () => ({ path: '/v1/accounts/me/tokens' }),
  'POST /v1/accounts/me/tokens': () => ({
    path: '/v1/accounts/me/tokens',
    body: { name: 'n', scopes: ['assets:read'], expiresAt: null },
  }),
  'DELETE /v1/accounts/me/tokens/:id': ({ tokenId }) => ({ path: `/v1/accounts/me/tokens/${tokenId}` }),
  'POST /v1/uploads': () => ({
    path: '/v1/uploads',
    body: { filename: 'a.jpg', size: 100, contentType: 'image/jpeg' },
  }),
  'GET /v1/uploads/:id': ({ uploadId }) => ({ path: `/v1/uploads/${uploadId}` }),
  'GET /v1/uploads/:id/parts': ({ uploadId }) => ({ path: `/v1/uploads/${uploadId}/parts?numbers=1` }),
  'POST /v1/uploads/:id/complete': ({ uploadId }) => ({ path: `/v1/uploads/${uploadId}/complete`, body: {} }),
  'DELETE /v1/uploads/:id': ({ uploadId }) => ({ path: `/v1/uploads/${uploadId}` }),
  'POST /v1/uploads/:id/telemetry': ({ uploadId }) => ({
    path: `/v1/uploads/${uploadId}/telemetry`,
    body: {
      attempts: [{ part: 1, endpoint: 'edge', phase: 'transfer', bytes: 1, milliseconds: 1, outcome: 'success' }],
    },
  }),
  'POST /v1/assets': () => ({
    path: '/v1/assets?filename=a.jpg',
    body: jpeg(500),
    headers: { 'content-type': 'image/jpeg' },
  }),
  'GET /v1/assets': () => ({ path: '/v1/assets' }),
  'GET /v1/timeline': () => ({ path: '/v1/timeline' }),
  'GET /v1/timeline/:month': () => ({ path: '/v1/timeline/2026-11' }),
  'GET /v1/assets/:id': ({ assetId }) => ({ path: `/v1/assets/${assetId}` }),
  'PATCH /v1/assets/:id': ({ assetId }) => ({ path: `/v1/assets/${assetId}`, body: { favorite: true } }),
  'DELETE /v1/assets/:id': ({ assetId }) => ({ path: `/v1/assets/${assetId}` }),
  'GET /v1/assets/:id/hls/:playlist': ({ assetId }) => ({ path: `/v1/assets/${assetId}/hls/master.m3u8` }),
  'POST /v1/assets/:id/restore': ({ assetId }) => ({ path: `/v1/assets/${assetId}/restore` }),
  'POST /v1/assets/delete': ({ assetId }) => ({ path: '/v1/assets/delete', body: { ids: [assetId] } }),
  'POST /v1/assets/download': ({ assetId }) => ({ path: '/v1/assets/download', body: { ids: [assetId] } }),
  'GET /v1/albums': () => ({ path: '/v1/albums' }),
  'POST /v1/albums': () => ({ path: '/v1/albums', body: { title: 'x' } }),
  'GET /v1/albums/:id': (world) => ({ path: album(world) }),
  'PATCH /v1/albums/:id': (world) => ({ path: album(world), body: { title: 'x' } }),
  'DELETE /v1/albums/:id': (world) => ({ path: album(world) }),
  'GET /v1/albums/:id/assets': (world) => ({ path: `${album(world)}/assets` }),
  'GET /v1/albums/:id/assets/:assetId': (world) => ({ path: `${album(world)}/assets/${world.assetId}` }),
  'PUT /v1/albums/:id/assets': (world) => ({ path: `${album(world)}/assets`, body: { assetIds: [world.assetId] } }),
  'DELETE /v1/albums/:id/assets': (world) => ({ path: `${album(world)}/assets`, body: { assetIds: [world.assetId] } }),
  'POST /v1/albums/:id/assets/move': (world) => ({
    path: `${album(world)}/assets/move`,
    body: { assetIds: [world.assetId], before: null },
  }),
  'POST /v1/albums/:id/download': (world) => ({ path: `${album(world)}/download`, body: {} }),
  'PUT /v1/albums/:id/members/:handle': (world) => ({
    path: `${album(world)}/members/friend`,
    body: { role: 'viewer' },
  }),
  'DELETE /v1/albums/:id/members/:handle': (world) => ({ path: `${album(world)}/members/friend` }),
  'GET /v1/albums/:id/links': ({ shared }) => ({ path: `/v1/albums/${shared.albumId}/links` }),
  'POST /v1/albums/:id/links': ({ shared }) => ({ path: `/v1/albums/${shared.albumId}/links`, body: {} }),
  'PATCH /v1/links/:token': (world) => ({ path: link(world), body: { allowDownload: false } }),
  'DELETE /v1/links/:token': (world) => ({ path: link(world) }),
  'GET /v1/links/:token': (world) => ({ path: link(world) }),
  'POST /v1/links/:token/unlock': (world) => ({ path: `${link(world)}/unlock`, body: { password: 'none is needed' } }),
  'GET /v1/links/:token/assets': (world) => ({ path: `${link(world)}/assets` }),
  'GET /v1/links/:token/assets/:id': (world) => ({ path: `${link(world)}/assets/${world.assetId}` }),
  'GET /v1/links/:token/assets/:id/hls/:file': (world) => ({
    path: `${link(world)}/assets/${world.assetId}/hls/master.m3u8`,
  }),
  // Nothing that it can be given before the asset was looked through.
  'POST /v1/links/:token/download': (world) => ({ path: `${link(world)}/download`, body: {} }),
  'POST /v1/links/:token/uploads': (world) => ({
    path: `${link(world)}/uploads`,
    body: { filename: 'a.jpg', size: 100, contentType: 'image/jpeg' },
  }),
  'GET /v1/links/:token/uploads/:id': (world) => ({ path: guestUpload(world) }),
  'GET /v1/links/:token/uploads/:id/parts': (world) => ({ path: `${guestUpload(world)}/parts?numbers=1` }),
  'POST /v1/links/:token/uploads/:id/complete': (world) => ({ path: `${guestUpload(world)}/complete`, body: {} }),
  'DELETE /v1/links/:token/uploads/:id': (world) => ({ path: guestUpload(world) }),
  'POST /v1/links/:token/uploads/:id/telemetry': (world) => ({
    path: `${guestUpload(world)}/telemetry`,
    body: {
      attempts: [{ part: 1, endpoint: 'edge', phase: 'transfer', bytes: 1, milliseconds: 1, outcome: 'success' }],
    },
  }),
  'POST /v1/assets/restore': ({ assetId }) => ({ path: '/v1/assets/restore', body: { ids: [assetId] } }),
  'PATCH /v1/assets': ({ assetId }) => ({ path: '/v1/assets', body: { ids: [assetId], favorite: true } }),
  'GET /v1/events': () => ({ path: '/v1/events' }),
  'POST /v1/tus': () => ({ path: '/v1/tus', headers: tusCreation }),
  'PATCH /v1/tus/:id': ({ tusId }) => ({
    path: `/v1/tus/${tusId}`,
    body: jpeg(400).subarray(0, 100),
    headers: { 'tus-resumable': '1.0.0', 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' },
  }),
  'DELETE /v1/tus/:id': ({ tusId }) => ({ path: `/v1/tus/${tusId}`, headers: { 'tus-resumable': '1.0.0' } }),
  'GET /v1/uppy/:uploadToken/s3/params': () => ({ path: `${uppy}/params?filename=a.jpg&type=image/jpeg` }),
  'POST /v1/uppy/:uploadToken/s3/form': () => ({ path: `${uppy}/form`, body: jpeg(200), headers: uppyForm }),
  'POST /v1/uppy/:uploadToken/s3/multipart': () => ({ path: `${uppy}/multipart`, body: { filename: 'a.jpg' } }),
  'GET /v1/uppy/:uploadToken/s3/multipart/:uploadId': ({ uploadId }) => ({
    path: `${uppy}/multipart/${uploadId}?key=k`,
  }),
  'GET /v1/uppy/:uploadToken/s3/multipart/:uploadId/batch': ({ uploadId }) => ({
    path: `${uppy}/multipart/${uploadId}/batch?key=k&partNumbers=1`,
  }),
  'GET /v1/uppy/:uploadToken/s3/multipart/:uploadId/:partNumber': ({ uploadId }) => ({
    path: `${uppy}/multipart/${uploadId}/1?key=k`,
  }),
  'POST /v1/uppy/:uploadToken/s3/multipart/:uploadId/complete': ({ uploadId }) => ({
    path: `${uppy}/multipart/${uploadId}/complete?key=k`,
    body: { parts: [] },
  }),
  'DELETE /v1/uppy/:uploadToken/s3/multipart/:uploadId': ({ uploadId }) => ({
    path: `${uppy}/multipart/${uploadId}?key=k`,
  }),
  'GET /*': () => ({ path: '/photos', headers: { accept: 'text/html' } }),
  'POST /share': () => ({ path: '/share', headers: { accept: 'text/html' } }),
  'PUT /u/*': () => ({ path: '/u/originals/00000000000000000000000000000000?sig=x', body: jpeg(200) }),
  'GET /m/*': () => ({ path: '/m/originals/00000000000000000000000000000000?sig=x' }),
}

const endsItsCaller = new Set(['DELETE /v1/accounts/me', 'DELETE /v1/sessions/current', 'DELETE /v1/sessions'])
const readsOfSets = new Set(['POST /v1/assets/delete', 'POST /v1/assets/download'])

describe('a route answers', () => {
  let server: TestServer
  let site: SmallSite
  let administrator: TestAccount
  let count = 0

  before(async () => {
    site = await makeSite()
    // Who may is asked here, not what becomes of the files: nobody works on those of so many worlds.
    server = await startTestServer({ ROLES: 'api,edge' }, { site: site.folder })
    administrator = await server.register('overseer')
    await server.register('friend')
  })
  after(async () => {
    await server.close()
    await site.remove()
  })

  const people = new Map<string, TestAccount>()

  /** One account a role, but a fresh one for routes that end their caller. */
  async function person(role: 'owner' | 'stranger', name: string): Promise<TestAccount> {
    count += 1
    const key = endsItsCaller.has(name) ? `${role} ${count}` : role
    const known = people.get(key)
    if (known !== undefined) return known
    const account = await server.register(key.replace(' ', ''))
    people.set(key, account)
    return account
  }

  /** A session of its own for every call, since some calls end it. */
  async function administratorToken(): Promise<string> {
    const hash = createHash('sha256')
    const token = `hgs_${randomBytes(32).toString('base64url')}`
    await server.engines.db
      .insertInto('access_token')
      .values({
        id: randomUUID(),
        account_id: administrator.id,
        kind: 'session',
        secret_hash: hash.update(token).digest(),
        scopes: [...scopes],
        expires_at: new Date(Date.now() + 3600_000),
      })
      .execute()
    return token
  }

  async function makeWorld(name: string): Promise<World> {
    const owner = await person('owner', name)
    // An account keeps a limited number of tokens.
    await server.engines.pool.query(`delete from access_token where kind = 'personal'`)
    const bytes = jpeg(400)
    const asset = await upload(owner, bytes)
    const planned = await plan(owner, jpeg(401), { sha256: sha256(jpeg(401)) })
    const token = await owner.call('POST', '/v1/accounts/me/tokens', {
      name: 't',
      scopes: ['assets:read'],
      expiresAt: null,
    })
    const tus = name.includes('/tus') ? await owner.call('POST', '/v1/tus', undefined, tusCreation) : null
    const tusId = tus?.headers.get('location')?.split('/').at(-1) ?? ''
    const shared = /\/(links|albums\/)/.test(name)
      ? await share(name, owner, asset.id)
      : { albumId: '', token: '', uploadId: '' }
    return { shared, owner, assetId: asset.id, uploadId: planned.body.id, tusId, tokenId: token.body.id }
  }

  async function share(name: string, owner: TestAccount, assetId: string): Promise<SharedWorld> {
    const album = await owner.call('POST', '/v1/albums', { title: 'Shared', assetIds: [assetId] })
    if (!name.includes('/links')) {
      await owner.call('PUT', `/v1/albums/${album.body.id}/members/friend`, { role: 'viewer' })
      return { albumId: album.body.id, token: '', uploadId: '' }
    }
    const { body } = await owner.call('POST', `/v1/albums/${album.body.id}/links`, { allowUpload: true })
    const planned = await call(server.address, null, 'POST', `/v1/links/${body.token}/uploads`, {
      filename: 'a.jpg',
      size: 100,
      contentType: 'image/jpeg',
    })
    return { albumId: album.body.id, token: body.token, uploadId: planned.body.id }
  }

  async function tokenOf(caller: Caller, world: World, route: DeclaredRoute): Promise<string | null> {
    if (caller === 'nobody') return null
    if (caller === 'owner') return world.owner.token
    if (caller === 'administrator') return administratorToken()
    if (caller === 'forged token') return 'hgs_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
    if (caller === 'stranger') return (await person('stranger', `${route.method} ${route.url}`)).token
    const scope = 'scope' in route.policy ? route.policy.scope : 'assets:read'
    const scopes =
      caller === 'wrong scope' ? [scope === 'assets:read' ? 'uploads:write' : 'assets:read'] : ['assets:read']
    const expiresAt = new Date(Date.now() + 3600_000).toISOString()
    const { body } = await world.owner.call('POST', '/v1/accounts/me/tokens', { name: 't', scopes, expiresAt })
    if (caller === 'expired token') {
      await server.engines.pool.query(
        `update access_token set expires_at = now() - interval '1 second' where id = $1`,
        [body.id],
      )
    }
    return body.token
  }

  /** Those who get nowhere change nothing, and the next finds the world as they did. */
  function isRefused({ policy }: DeclaredRoute, caller: Caller): boolean {
    const isForAccounts = policy.access === 'account' || policy.access === 'administrator'
    return isForAccounts && ['nobody', 'expired token', 'wrong scope', 'forged token'].includes(caller)
  }

  /** The statuses a policy allows for a caller. */
  function expected({ policy, method, url }: DeclaredRoute, caller: Caller): (status: number) => boolean {
    const granted = (status: number) => ![401, 403, 404].includes(status) && status < 500
    const is =
      (...statuses: number[]) =>
      (status: number) =>
        statuses.includes(status)
    if (policy.access === 'public') return granted
    if (policy.access === 'grant') return is(403)
    if (policy.access === 'path-token') return is(401)
    // The link lets in whoever has it, and nobody's token helps or hurts; playlists want the signature besides.
    if (policy.access === 'link') return policy.needs === 'play' ? is(403) : granted
    if (caller === 'nobody' || caller === 'expired token' || caller === 'forged token') return is(401)
    if (policy.access === 'administrator') return caller === 'administrator' ? granted : is(403)
    if (caller === 'wrong scope') return is(403)
    if (caller === 'owner') return granted
    if (policy.access === 'account' && policy.owns !== undefined) return is(404)
    if (`${method} ${url}` === 'POST /v1/assets/download') return is(404)
    if (url === '/v1/accounts/me/tokens/:id') return is(404)
    return granted
  }

  // Some six hundred worlds, each of several requests.
  test('every caller as its policy says', { timeout: 300_000 }, async (t) => {
    const routes = server.declaredRoutes.filter(
      ({ method, url }) => !(url === '/docs' || url.startsWith('/docs/')) && !(method === 'HEAD' && url !== '/m/*'),
    )
    for (const route of routes) {
      const name = `${route.method} ${route.url}`
      await t.test(name, async () => {
        const sample = samples[name.replace('HEAD ', 'GET ')]
        assert.ok(sample, `${name} has no sample in this test`)
        let untouched: World | null = null
        for (const caller of callers) {
          const world: World = untouched ?? (await makeWorld(name))
          untouched = isRefused(route, caller) ? world : null
          const { path, body, headers } = sample(world)
          const { status } = await call(
            server.address,
            await tokenOf(caller, world, route),
            route.method,
            path,
            body,
            headers,
          )
          assert.ok(expected(route, caller)(status), `${name} answered ${status} to ${caller}`)
          if (readsOfSets.has(name) && caller === 'stranger') {
            const { status: still } = await world.owner.call('GET', `/v1/assets/${world.assetId}`)
            assert.equal(still, 200, 'a stranger changed nothing')
          }
        }
      })
    }
  })
})
