/** Every route of albums as everybody: who may, who is refused, and who does not even learn that there is an album. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { jpeg } from '../testing/photos.ts'
import { call, type Json, startTestServer, type TestAccount, type TestServer } from '../testing/server.ts'
import { complete, plan, putParts, upload } from '../testing/upload.ts'

const roles = ['owner', 'contributor', 'viewer', 'removed', 'stranger', 'administrator', 'nobody'] as const
type Role = (typeof roles)[number]

interface World {
  album: string
  /** A photo of the owner and one of the contributor, both in the album. */
  owners: string
  contributors: string
}

interface Attempt {
  method: string
  path: (world: World) => string
  body?: (world: World, own: string) => unknown
  /** As a raw body. */
  raw?: boolean
  /** For owner, contributor and viewer. The others are answered 404, nobody 401. */
  expected: [owner: number, contributor: number, viewer: number]
}

const attempts: Record<string, Attempt> = {
  'read it': { method: 'GET', path: ({ album }) => `/v1/albums/${album}`, expected: [200, 200, 200] },
  'rename it': {
    method: 'PATCH',
    path: ({ album }) => `/v1/albums/${album}`,
    body: () => ({ title: 'Mine now' }),
    expected: [200, 403, 403],
  },
  'share its places': {
    method: 'PATCH',
    path: ({ album }) => `/v1/albums/${album}`,
    body: () => ({ shareLocation: true }),
    expected: [200, 403, 403],
  },
  'delete it': { method: 'DELETE', path: ({ album }) => `/v1/albums/${album}`, expected: [204, 403, 403] },
  'list its photos': { method: 'GET', path: ({ album }) => `/v1/albums/${album}/assets`, expected: [200, 200, 200] },
  'read one of its photos': {
    method: 'GET',
    path: ({ album, owners }) => `/v1/albums/${album}/assets/${owners}`,
    expected: [200, 200, 200],
  },
  'filter a library by it': {
    method: 'GET',
    path: ({ album }) => `/v1/assets?album=${album}`,
    expected: [200, 200, 200],
  },
  'add to it': {
    method: 'PUT',
    path: ({ album }) => `/v1/albums/${album}/assets`,
    body: (_world, own) => ({ assetIds: [own] }),
    expected: [200, 200, 403],
  },
  'take the photo of its owner out': {
    method: 'DELETE',
    path: ({ album }) => `/v1/albums/${album}/assets`,
    body: ({ owners }) => ({ assetIds: [owners] }),
    expected: [204, 403, 403],
  },
  'take the photo of the contributor out': {
    method: 'DELETE',
    path: ({ album }) => `/v1/albums/${album}/assets`,
    body: ({ contributors }) => ({ assetIds: [contributors] }),
    expected: [204, 204, 403],
  },
  'take both out': {
    method: 'DELETE',
    path: ({ album }) => `/v1/albums/${album}/assets`,
    body: ({ owners, contributors }) => ({ assetIds: [contributors, owners] }),
    expected: [204, 403, 403],
  },
  'arrange it': {
    method: 'POST',
    path: ({ album }) => `/v1/albums/${album}/assets/move`,
    body: ({ owners, contributors }) => ({ assetIds: [contributors], before: owners }),
    expected: [204, 403, 403],
  },
  'download it': {
    method: 'POST',
    path: ({ album }) => `/v1/albums/${album}/download`,
    body: () => ({}),
    expected: [200, 200, 200],
  },
  'download one of it': {
    method: 'POST',
    path: ({ album }) => `/v1/albums/${album}/download`,
    body: ({ owners }) => ({ ids: [owners] }),
    expected: [200, 200, 200],
  },
  'let somebody in': {
    method: 'PUT',
    path: ({ album }) => `/v1/albums/${album}/members/the-stranger`,
    body: () => ({ role: 'viewer' }),
    expected: [200, 403, 403],
  },
  'make itself a contributor': {
    method: 'PUT',
    path: ({ album }) => `/v1/albums/${album}/members/the-viewer`,
    body: () => ({ role: 'contributor' }),
    expected: [200, 403, 403],
  },
  'remove the viewer': {
    method: 'DELETE',
    path: ({ album }) => `/v1/albums/${album}/members/the-viewer`,
    expected: [204, 403, 204],
  },
  'remove the contributor': {
    method: 'DELETE',
    path: ({ album }) => `/v1/albums/${album}/members/the-contributor`,
    expected: [204, 204, 403],
  },
  'remove the owner': {
    method: 'DELETE',
    path: ({ album }) => `/v1/albums/${album}/members/the-owner`,
    expected: [409, 403, 403],
  },
  'remove whoever is not in it': {
    method: 'DELETE',
    path: ({ album }) => `/v1/albums/${album}/members/the-stranger`,
    expected: [404, 403, 403],
  },
  'plan an upload into it': {
    method: 'POST',
    path: () => '/v1/uploads',
    body: ({ album }) => ({ filename: 'a.jpg', size: 300, contentType: 'image/jpeg', albumId: album }),
    expected: [201, 201, 403],
  },
  'stream into it': {
    method: 'POST',
    path: ({ album }) => `/v1/assets?filename=a.jpg&albumId=${album}`,
    body: () => jpeg(300),
    raw: true,
    expected: [201, 201, 403],
  },
}

const changing = new Set(['PATCH', 'DELETE', 'PUT', 'POST'])

describe('of an album', () => {
  let server: TestServer
  const people = new Map<Role, TestAccount>()
  const photos = new Map<Role, string>()

  before(async () => {
    server = await startTestServer()
    for (const role of ['administrator', ...roles.filter((role) => role !== 'administrator')] as Role[]) {
      if (role === 'nobody') continue
      const account = await server.register(`the-${role}`)
      people.set(role, account)
      photos.set(role, (await upload(account, jpeg(300))).id)
    }
    // Until a photo was read, it may tell a place, and nobody else gets it.
    await server.settleJobs()
  })
  after(() => server.close())

  function person(role: Role): TestAccount {
    const account = people.get(role)
    assert.ok(account)
    return account
  }

  const photoOf = (role: Role) => photos.get(role) ?? ''

  async function makeWorld(): Promise<World> {
    const owner = person('owner')
    const { body } = await owner.call('POST', '/v1/albums', { title: 'Secret picnic', assetIds: [photoOf('owner')] })
    const album: string = body.id
    for (const [role, as] of [
      ['contributor', 'contributor'],
      ['viewer', 'viewer'],
      ['removed', 'contributor'],
    ] as const) {
      assert.equal((await owner.call('PUT', `/v1/albums/${album}/members/the-${role}`, { role: as })).status, 200)
    }
    for (const role of ['contributor', 'removed'] as const) {
      const added = await person(role).call('PUT', `/v1/albums/${album}/assets`, { assetIds: [photoOf(role)] })
      assert.deepEqual(added.body, { count: 1 })
    }
    assert.equal((await owner.call('DELETE', `/v1/albums/${album}/members/the-removed`)).status, 204)
    return { album, owners: photoOf('owner'), contributors: photoOf('contributor') }
  }

  async function stateOf({ album }: World): Promise<Json> {
    const owner = person('owner')
    const [{ body }, assets] = [
      await owner.call('GET', `/v1/albums/${album}`),
      await owner.call('GET', `/v1/albums/${album}/assets`),
    ]
    const { coverUrl: _, ...album_ } = body
    return { ...album_, assets: assets.body.items.map((asset: Json) => asset.id) }
  }

  function expectedOf({ expected }: Attempt, role: Role): number {
    if (role === 'nobody') return 401
    return expected[['owner', 'contributor', 'viewer'].indexOf(role)] ?? 404
  }

  for (const [name, attempt] of Object.entries(attempts)) {
    test(`each may, or may not, ${name}`, async () => {
      for (const role of roles) {
        const world = await makeWorld()
        const earlier = await stateOf(world)
        const body = attempt.body?.(world, photoOf(role))
        const token = role === 'nobody' ? null : person(role).token
        const headers: Record<string, string> = attempt.raw === true ? { 'content-type': 'image/jpeg' } : {}
        const answer = await call(server.address, token, attempt.method, attempt.path(world), body, headers)
        const expected = expectedOf(attempt, role)
        assert.equal(answer.status, expected, `${role}: ${JSON.stringify(answer.body)}`)
        if (expected >= 400 && changing.has(attempt.method)) {
          assert.deepEqual(await stateOf(world), earlier, `${role} changed nothing`)
        }
        if (expected === 404 || expected === 401) {
          assert.ok(!JSON.stringify(answer.body).includes('picnic'))
        }
      }
    })
  }

  test('strangers are answered as if there were none', async () => {
    const world = await makeWorld()
    const nowhere = { ...world, album: crypto.randomUUID() }
    for (const [name, attempt] of Object.entries(attempts)) {
      const ask = async (where: World) => {
        const headers: Record<string, string> = attempt.raw === true ? { 'content-type': 'image/jpeg' } : {}
        const body = attempt.body?.(where, photoOf('stranger'))
        const answer = await person('stranger').call(attempt.method, attempt.path(where), body, headers)
        return { status: answer.status, type: answer.body.type, detail: answer.body.detail }
      }
      assert.deepEqual(await ask(world), await ask(nowhere), name)
    }
  })

  test('nobody adds what is not theirs, whatever they may otherwise', async () => {
    const { album } = await makeWorld()
    for (const role of ['owner', 'contributor'] as const) {
      const added = await person(role).call('PUT', `/v1/albums/${album}/assets`, { assetIds: [photoOf('stranger')] })
      assert.deepEqual([added.status, added.body], [200, { count: 0 }])
    }
    const made = await person('owner').call('POST', '/v1/albums', { title: 'x', assetIds: [photoOf('stranger')] })
    assert.equal(made.body.assetCount, 0)
  })

  test('a member who leaves or is removed takes their own photos along, and gets no more URLs', async () => {
    const { album, owners } = await makeWorld()
    const contributor = person('contributor')
    const { body } = await contributor.call('GET', `/v1/albums/${album}/assets/${owners}`)
    assert.equal((await fetch(body.urls.original)).status, 200)
    assert.equal((await contributor.call('DELETE', `/v1/albums/${album}/members/the-contributor`)).status, 204)
    for (const path of ['', '/assets', `/assets/${owners}`]) {
      assert.equal((await contributor.call('GET', `/v1/albums/${album}${path}`)).status, 404)
    }
    assert.deepEqual(
      (await contributor.call('GET', '/v1/albums')).body.items.filter((one: Json) => one.id === album),
      [],
    )
    assert.equal((await contributor.call('GET', `/v1/assets/${photoOf('contributor')}`)).status, 200)
    assert.deepEqual((await stateOf({ album, owners, contributors: '' })).assets, [owners])
  })

  test('a member is nobody on the other routes of its photos', async () => {
    const { owners } = await makeWorld()
    for (const role of ['contributor', 'viewer'] as const) {
      const account = person(role)
      for (const [method, path, body] of [
        ['GET', `/v1/assets/${owners}`],
        ['PATCH', `/v1/assets/${owners}`, { favorite: true }],
        ['DELETE', `/v1/assets/${owners}`],
        ['DELETE', `/v1/assets/${owners}?permanent=true`],
        ['POST', `/v1/assets/${owners}/restore`],
        ['POST', '/v1/assets/download', { ids: [owners] }],
      ] as const) {
        assert.equal((await account.call(method, path, body)).status, 404, `${role} ${method} ${path}`)
      }
      assert.deepEqual((await account.call('PATCH', '/v1/assets', { ids: [owners], favorite: true })).body, {
        count: 0,
      })
      assert.deepEqual((await account.call('POST', '/v1/assets/delete', { ids: [owners] })).body, { count: 0 })
    }
  })

  test('whoever is removed while they add has nothing in it afterwards', async () => {
    const owner = person('owner')
    const contributor = person('contributor')
    const ids: string[] = []
    for (let index = 0; index < 20; index += 1) ids.push((await upload(contributor, jpeg(300))).id)
    const { album } = await makeWorld()
    const adding = ids.map((id) => contributor.call('PUT', `/v1/albums/${album}/assets`, { assetIds: [id] }))
    const planned = await plan(contributor, jpeg(301), { size: 301, albumId: album })
    const bytes = jpeg(301)
    await putParts(planned.body, bytes)
    const [removed, completed, ...added] = await Promise.all([
      owner.call('DELETE', `/v1/albums/${album}/members/the-contributor`),
      complete(contributor, planned.body.id),
      ...adding,
    ])
    assert.equal(removed.status, 204)
    assert.equal(completed.status, 201, 'the upload is kept in any case')
    for (const { status } of added) assert.ok([200, 404].includes(status), `${status}`)
    assert.deepEqual((await stateOf({ album, owners: '', contributors: '' })).assets, [photoOf('owner')])
  })
})
