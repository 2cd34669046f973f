import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type AccountServer, registrationOf, startAccountServer } from './testing/account-server.ts'

describe('registering', () => {
  let server: AccountServer
  before(async () => {
    server = await startAccountServer()
  })
  after(() => server.stop())

  test('two first registrations at once make one administrator', async () => {
    assert.equal((await server.call('GET', '/v1/server')).body.hasAccounts, false)
    const answers = await Promise.all(
      ['ada', 'bob', 'cleo', 'dan'].map((handle) =>
        server.call('POST', '/v1/accounts', { body: registrationOf(handle) }),
      ),
    )
    assert.deepEqual(
      answers.map((answer) => answer.status),
      [201, 201, 201, 201],
    )
    assert.deepEqual(answers.map((answer) => answer.body.account.role).sort(), [
      'administrator',
      'member',
      'member',
      'member',
    ])
    assert.equal((await server.call('GET', '/v1/server')).body.hasAccounts, true)
  })

  test('the answer is the account and a token that works at once', async () => {
    const answer = await server.call('POST', '/v1/accounts', {
      body: { handle: 'Grace', email: 'Grace@Example.com', password: 'correct horse', name: 'Grace Hopper' },
    })
    assert.equal(answer.status, 201)
    const { account, token } = answer.body
    assert.match(token, /^hgs_[A-Za-z0-9_-]{43}$/)
    const cookie = String(answer.headers['set-cookie'])
    assert.match(cookie, new RegExp(`^heliograph_session=${token};`), 'and a browser is signed in')
    for (const attribute of ['HttpOnly', 'SameSite=Lax', 'Secure', 'Path=/']) assert.ok(cookie.includes(attribute))
    assert.deepEqual(account, {
      id: account.id,
      handle: 'grace',
      name: 'Grace Hopper',
      email: 'grace@example.com',
      avatarUrl: null,
      role: 'member',
      storage: { usedBytes: 0, reservedBytes: 0, limitBytes: 1_000_000 },
    })
    const me = await server.call('GET', '/v1/accounts/me', { token })
    assert.deepEqual(me.body, account)
    assert.equal(me.headers.etag, '"1"')
  })

  test('twenty registrations of one person at once make one account', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => server.call('POST', '/v1/accounts', { body: registrationOf('twin') })),
    )
    assert.equal(answers.filter((answer) => answer.status === 201).length, 1)
    const refused = answers.filter((answer) => answer.status === 409)
    assert.equal(refused.length, 19)
    for (const answer of refused) assert.equal(answer.body.type, '/problems/already-exists')
    const rows = await server.db.selectFrom('account').select('id').where('handle', '=', 'twin').execute()
    const quotas = await server.db.selectFrom('storage_quota').select('account_id').execute()
    assert.equal(rows.length, 1)
    assert.ok(quotas.some((quota) => quota.account_id === rows[0]?.id))
  })

  test('a taken e-mail and a taken handle are named, whatever their case', async () => {
    const handle = await server.call('POST', '/v1/accounts', {
      body: { ...registrationOf('other'), handle: 'GRACE' },
    })
    assert.deepEqual([handle.status, handle.body.errors[0].path], [409, '/handle'])
    const email = await server.call('POST', '/v1/accounts', {
      body: { ...registrationOf('other'), email: 'GRACE@example.com' },
    })
    assert.deepEqual([email.status, email.body.errors[0].path], [409, '/email'])
  })

  for (const [what, change, path] of [
    ['a short password', { password: '1234567' }, '/password'],
    ['no e-mail address', { email: 'nobody' }, '/email'],
    ['NUL in the e-mail', { email: 'a\u0000b@example.com' }, '/email'],
    ['a handle with a blank', { handle: 'a b' }, '/handle'],
    ['a handle that climbs', { handle: '../x' }, '/handle'],
    ['a handle of 40 characters', { handle: 'x'.repeat(40) }, '/handle'],
    ['NUL in the name', { name: 'a\u0000b' }, '/name'],
    ['an empty name', { name: '' }, '/name'],
  ] as const) {
    test(`${what} is refused and named`, async () => {
      const answer = await server.call('POST', '/v1/accounts', { body: { ...registrationOf('fresh'), ...change } })
      assert.equal(answer.status, 400)
      assert.equal(answer.body.errors[0].path, path)
    })
  }

  test('nobody can be called me', async () => {
    const answer = await server.call('POST', '/v1/accounts', { body: registrationOf('Me') })
    assert.equal(answer.status, 409)
  })

  test('successes and failures are in the history, without what was typed', async () => {
    const events = await server.db
      .selectFrom('history_event')
      .selectAll()
      .where('action', '=', 'account.register')
      .execute()
    const successes = events.filter((event) => event.outcome === 'success')
    const accounts = await server.db.selectFrom('account').select('id').execute()
    assert.deepEqual(successes.map((event) => event.actor_id).sort(), accounts.map((account) => account.id).sort())
    assert.ok(events.some((event) => event.error_class === 'already-exists'))
    assert.doesNotMatch(JSON.stringify(events), /correct horse|1234567/)
  })

  test('passwords and tokens are stored as hashes only', async () => {
    const accounts = await server.db.selectFrom('account').select('password_hash').execute()
    for (const { password_hash } of accounts) assert.match(password_hash ?? '', /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    const tokens = await server.db.selectFrom('access_token').select('secret_hash').execute()
    for (const { secret_hash } of tokens) assert.equal(secret_hash.length, 32)
  })
})

test('closed registration lets the first account in and nobody else', async () => {
  const server = await startAccountServer({ registration: 'closed' })
  try {
    const answers = await Promise.all(
      ['ada', 'bob'].map((handle) => server.call('POST', '/v1/accounts', { body: registrationOf(handle) })),
    )
    assert.deepEqual(answers.map((answer) => answer.status).sort(), [201, 403])
    assert.equal(answers.find((answer) => answer.status === 403)?.body.type, '/problems/registration-closed')
    assert.equal(answers.find((answer) => answer.status === 201)?.body.account.role, 'administrator')
    const late = await server.call('POST', '/v1/accounts', { body: registrationOf('cleo') })
    assert.equal(late.status, 403)
  } finally {
    await server.stop()
  }
})
