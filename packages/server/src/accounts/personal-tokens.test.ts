import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { isProblem } from '../problem.ts'
import { type AccountServer, startAccountServer } from './testing/account-server.ts'

describe('personal access tokens', () => {
  let server: AccountServer
  let administrator: string
  let ada: string
  before(async () => {
    server = await startAccountServer()
    administrator = await server.register('root1')
    ada = await server.register('ada')
  })
  after(() => server.stop())

  const make = (token: string, scopes: string[], expiresAt: string | null = null) =>
    server.call('POST', '/v1/accounts/me/tokens', { token, body: { name: 'backup', scopes, expiresAt } })
  const inOneHour = () => new Date(Date.now() + 3_600_000).toISOString()

  test('a token is shown once, does what its scopes say and no more', async () => {
    const made = await make(ada, ['account:read', 'uploads:write'])
    assert.equal(made.status, 201)
    const { id, token, createdAt } = made.body
    assert.match(token, /^hgp_[A-Za-z0-9_-]{43}$/)
    const expected = { id, name: 'backup', scopes: ['account:read', 'uploads:write'], expiresAt: null, createdAt }
    assert.deepEqual(made.body, { ...expected, token })
    const list = await server.call('GET', '/v1/accounts/me/tokens', { token: ada })
    assert.deepEqual(list.body, { items: [expected], nextCursor: null })

    assert.equal((await server.call('GET', '/v1/accounts/me', { token })).status, 200)
    const patch = await server.call('PATCH', '/v1/accounts/me', { token, body: { name: 'X' } })
    assert.deepEqual([patch.status, patch.body.type], [403, '/problems/insufficient-scope'])
  })

  test('a deleted token is refused at once; deleting another’s finds nothing', async () => {
    const { id, token } = (await make(ada, ['account:read'])).body
    const stranger = await server.call('DELETE', `/v1/accounts/me/tokens/${id}`, { token: administrator })
    assert.equal(stranger.status, 404)
    assert.equal((await server.call('DELETE', `/v1/accounts/me/tokens/${id}`, { token: ada })).status, 204)
    assert.equal((await server.call('GET', '/v1/accounts/me', { token })).status, 401)
    assert.equal((await server.call('DELETE', `/v1/accounts/me/tokens/${id}`, { token: ada })).status, 404)
  })

  test('an expired token is refused, and one that is born expired is not made', async () => {
    const { token } = (await make(ada, ['account:read'], inOneHour())).body
    assert.equal((await server.call('GET', '/v1/accounts/me', { token })).status, 200)
    server.clock.offset = 3_601_000
    assert.equal((await server.call('GET', '/v1/accounts/me', { token })).status, 401)
    server.clock.offset = 0
    const past = await make(ada, ['account:read'], '2020-01-01T00:00:00Z')
    assert.deepEqual([past.status, past.body.errors[0].path], [400, '/expiresAt'])
  })

  test('a token never grants what its creator lacks', async () => {
    const limited = (await make(ada, ['account:read', 'account:write'], inOneHour())).body.token
    const more = await make(limited, ['account:read', 'assets:read'], inOneHour())
    assert.deepEqual([more.status, more.body.type], [403, '/problems/insufficient-scope'])
    assert.equal((await make(limited, ['account:read'])).status, 400, 'nor more time')
    assert.equal((await make(limited, ['account:read'], new Date(Date.now() + 1_800_000).toISOString())).status, 201)
    assert.equal((await make(ada, ['admin'])).status, 403, 'a member has no administration to give')
    assert.equal((await make(administrator, ['admin'])).status, 201)
    assert.equal((await make(ada, ['everything'])).status, 400)
    assert.equal((await make(ada, [])).status, 400)
  })

  test('the scope admin is void once its account no longer administers', async () => {
    await server.register('deputy')
    const promote = (role: string) =>
      server.call('PATCH', '/v1/accounts/deputy', { token: administrator, body: { role } })
    await promote('administrator')
    const signedIn = await server.call('POST', '/v1/sessions', {
      body: { email: 'deputy@example.com', password: 'correct horse' },
    })
    const { token } = (await make(signedIn.body.token, ['admin'])).body
    assert.equal((await server.call('GET', '/v1/accounts', { token })).status, 200)
    await promote('member')
    assert.equal((await server.call('GET', '/v1/accounts', { token })).status, 403)
  })

  test('a token for a program can neither set the password nor end the account', async () => {
    const { token } = (await make(ada, ['account:read', 'account:write'])).body
    assert.equal((await server.call('PATCH', '/v1/accounts/me', { token, body: { name: 'Ada' } })).status, 200)
    const seize = await server.call('PATCH', '/v1/accounts/me', { token, body: { password: 'mine from now on' } })
    assert.equal(seize.status, 403)
    assert.equal((await server.call('DELETE', '/v1/accounts/me', { token })).status, 403)
    assert.equal((await server.call('DELETE', '/v1/sessions/current', { token })).status, 409)
  })

  test('what is no token of ours is refused, never taken for nobody', async () => {
    const { token } = (await make(ada, ['account:read'])).body
    for (const authorization of [
      '',
      'Bearer',
      'Bearer ',
      'Bearer x',
      'Bearer null',
      `Basic ${btoa('ada@example.com:correct horse')}`,
      token,
      `Bearer ${token}x`,
      `Bearer ${token.slice(0, -1)}`,
      `Bearer ${token.replace('hgp_', 'hgs_')}`,
      `Bearer ${token} ${token}`,
      `Bearer hgp_${'A'.repeat(43)}`,
      'Bearer a.b.c',
    ]) {
      const answer = await server.call('GET', '/v1/accounts/me', { headers: { authorization } })
      assert.equal(answer.status, 401, authorization)
      await assert.rejects(server.authenticator.authenticate({ method: 'GET', headers: { authorization } }))
    }
    const lowerCase = await server.call('GET', '/v1/accounts/me', { headers: { authorization: `bearer ${token}` } })
    assert.equal(lowerCase.status, 200)
  })

  test('a personal token is no session cookie', async () => {
    const { token } = (await make(ada, ['account:read'])).body
    const answer = await server.call('GET', '/v1/accounts/me', { cookies: { heliograph_session: token } })
    assert.equal(answer.status, 401)
  })

  test('only a token that can do nothing but upload may ride in a URL', async () => {
    const { token } = (await make(ada, ['uploads:write'])).body
    assert.equal((await server.authenticator.authenticatePathToken(token)).handle, 'ada')
    const wide = (await make(ada, ['uploads:write', 'account:read'])).body.token
    const other = (await make(ada, ['account:read'])).body.token
    for (const refused of [wide, other, ada, 'x', '', `${token}x`]) {
      await assert.rejects(
        server.authenticator.authenticatePathToken(refused),
        (error) => isProblem(error) && error.code === 'unauthenticated',
      )
    }
  })

  test('making and deleting are in the history', async () => {
    const events = await server.db
      .selectFrom('history_event')
      .select(['action', 'outcome', 'error_class'])
      .where('object_type', '=', 'token')
      .execute()
    for (const [action, errorClass] of [
      ['token.create', null],
      ['token.create', 'insufficient-scope'],
      ['token.delete', null],
    ]) {
      assert.ok(events.some((event) => event.action === action && event.error_class === errorClass))
    }
  })
})
