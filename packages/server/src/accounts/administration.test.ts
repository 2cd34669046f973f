import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { v7 as uuidv7 } from 'uuid'
import { type AccountServer, password, startAccountServer } from './testing/account-server.ts'

describe('profiles and administration', () => {
  let server: AccountServer
  let root: string
  let ada: string
  before(async () => {
    server = await startAccountServer()
    root = await server.register('root1')
    ada = await server.register('ada')
  })
  after(() => server.stop())

  const patch = (handle: string, body: object, token = root) =>
    server.call('PATCH', `/v1/accounts/${handle}`, { token, body })
  const me = (token: string) => server.call('GET', '/v1/accounts/me', { token })

  test('everyone sees a profile, and nothing private in it', async () => {
    const answer = await server.call('GET', '/v1/accounts/ADA')
    assert.deepEqual(answer.body, {
      handle: 'ada',
      name: 'ada',
      avatarUrl: null,
      counts: { posts: 0, followers: 0, following: 0 },
    })
    assert.equal((await server.call('GET', '/v1/accounts/nobody')).status, 404)
  })

  test('a change from an old version is refused, and a new version is named', async () => {
    const before = (await me(ada)).headers.etag as string
    const change = (name: string, etag: string) =>
      server.call('PATCH', '/v1/accounts/me', { token: ada, headers: { 'if-match': etag }, body: { name } })
    const first = await change('Ada Lovelace', before)
    assert.equal(first.status, 200)
    assert.equal(first.body.name, 'Ada Lovelace')
    assert.notEqual(first.headers.etag, before)
    assert.equal((await change('Other', before)).status, 412)
    assert.equal((await change('Other', `W/${first.headers.etag}`)).status, 412)
    const stale = await server.call('DELETE', '/v1/accounts/me', { token: ada, headers: { 'if-match': before } })
    assert.equal(stale.status, 412)
    const racing = await Promise.all(
      Array.from({ length: 5 }, (_, index) => change(`Racer ${index}`, first.headers.etag as string)),
    )
    assert.equal(racing.filter((answer) => answer.status === 200).length, 1)
  })

  test('an avatar is an image of one’s own', async () => {
    const own = await addAsset(server, 'ada', 'image')
    const video = await addAsset(server, 'ada', 'video')
    const foreign = await addAsset(server, 'root1', 'image')
    const set = (avatarAssetId: string | null) =>
      server.call('PATCH', '/v1/accounts/me', { token: ada, body: { avatarAssetId } })
    assert.equal((await set(own)).status, 200)
    for (const id of [video, foreign, uuidv7(), 'x']) assert.equal((await set(id)).status, 400, id)
    assert.equal((await set(null)).status, 200)
    const row = await server.db
      .selectFrom('account')
      .select('avatar_asset_id')
      .where('handle', '=', 'ada')
      .executeTakeFirstOrThrow()
    assert.equal(row.avatar_asset_id, null)
  })

  test('a suspended account is refused everywhere at once, and comes back', async () => {
    const personal = await server.call('POST', '/v1/accounts/me/tokens', {
      token: ada,
      body: { name: 'x', scopes: ['uploads:write'] },
    })
    const suspended = await patch('ada', { suspended: true })
    assert.deepEqual([suspended.status, suspended.body.suspended], [200, true])
    const refused = await me(ada)
    assert.deepEqual([refused.status, refused.body.type], [403, '/problems/account-suspended'])
    await assert.rejects(server.authenticator.authenticatePathToken(personal.body.token), { code: 'account-suspended' })
    const signIn = (tried: string) =>
      server.call('POST', '/v1/sessions', { body: { email: 'ada@example.com', password: tried } })
    assert.equal((await signIn(password)).body.type, '/problems/account-suspended')
    assert.equal((await signIn('wrong horse')).body.type, '/problems/invalid-credentials', 'strangers learn nothing')
    assert.equal((await server.call('GET', '/v1/accounts/ada')).status, 404)
    await patch('ada', { suspended: false })
    assert.equal((await me(ada)).status, 200)
  })

  test('a storage limit is set, below what is used too', async () => {
    const answer = await patch('ada', { storageLimitBytes: 5 })
    assert.equal(answer.body.storage.limitBytes, 5)
    assert.equal((await me(ada)).body.storage.limitBytes, 5)
    assert.equal((await patch('ada', { storageLimitBytes: -1 })).status, 400)
    assert.equal((await patch('ada', { role: 'god' })).status, 400)
    assert.equal((await patch('nobody', { role: 'member' })).status, 404)
  })

  test('members administer nothing', async () => {
    assert.equal((await patch('ada', { role: 'administrator' }, ada)).status, 403)
    assert.equal((await server.call('GET', '/v1/accounts', { token: ada })).status, 403)
    assert.equal((await server.call('GET', '/v1/accounts')).status, 401)
  })

  test('there is always an administrator, also when two demote each other', async () => {
    for (const change of [{ role: 'member' }, { suspended: true }]) {
      const last = await patch('root1', change)
      assert.deepEqual([last.status, last.body.type], [409, '/problems/conflict'])
    }
    assert.equal((await server.call('DELETE', '/v1/accounts/me', { token: root })).status, 409)

    await patch('ada', { role: 'administrator' })
    const [one, other] = await Promise.all([
      patch('ada', { role: 'member' }, root),
      patch('root1', { role: 'member' }, ada),
    ])
    assert.deepEqual([one.status, other.status].sort()[0], 200)
    const administrators = await server.db
      .selectFrom('account')
      .select('id')
      .where('role', '=', 'administrator')
      .execute()
    assert.equal(administrators.length, 1)
    root = one.status === 200 ? root : ada
  })

  test('the list has everyone once, page by page', async () => {
    for (const handle of ['p1', 'p2', 'p3']) await server.register(handle)
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const answer = await server.call('GET', `/v1/accounts?limit=2${cursor === null ? '' : `&cursor=${cursor}`}`, {
        token: root,
      })
      assert.equal(answer.status, 200)
      assert.ok(answer.body.items.length <= 2)
      for (const item of answer.body.items) {
        seen.push(item.handle)
        assert.equal(typeof item.storage.limitBytes, 'number')
      }
      cursor = answer.body.nextCursor
    } while (cursor !== null)
    assert.deepEqual(seen, ['root1', 'ada', 'p1', 'p2', 'p3'])
    for (const query of ['cursor=x', 'limit=0', 'limit=501']) {
      assert.equal((await server.call('GET', `/v1/accounts?${query}`, { token: root })).status, 400, query)
    }
  })
})

test('GET /v1/server tells what a client must know', async () => {
  const server = await startAccountServer()
  try {
    assert.deepEqual((await server.call('GET', '/v1/server')).body, {
      name: 'heliograph',
      version: '1.2.3',
      registration: 'open',
      hasAccounts: false,
      maxFileSize: 50_000,
      uploads: { partSize: 8_000 },
      trashDays: 30,
    })
  } finally {
    await server.stop()
  }
})

async function addAsset(server: AccountServer, handle: string, kind: 'image' | 'video'): Promise<string> {
  const owner = await server.db
    .selectFrom('account')
    .select('id')
    .where('handle', '=', handle)
    .executeTakeFirstOrThrow()
  const id = uuidv7()
  await server.db
    .insertInto('asset')
    .values({
      id,
      owner_id: owner.id,
      upload_id: uuidv7(),
      kind,
      purpose: 'avatar',
      object_key: `originals/${id}`,
      filename: 'me.jpg',
      content_type: `${kind}/jpeg`,
      size: 10,
      captured_at: new Date(),
    })
    .execute()
  return id
}
