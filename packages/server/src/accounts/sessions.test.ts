import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createLimiter } from './limiter.ts'
import { type AccountServer, password, startAccountServer } from './testing/account-server.ts'

const day = 86_400_000

describe('signing in', () => {
  let server: AccountServer
  before(async () => {
    server = await startAccountServer()
    await server.register('root1')
    await server.register('ada')
  })
  after(() => server.stop())

  const signIn = (email = 'ada@example.com', tried = password) =>
    server.call('POST', '/v1/sessions', { body: { email, password: tried } })

  test('answers the account and a token, and sets a cookie that scripts cannot read', async () => {
    const answer = await signIn('ADA@example.com')
    assert.equal(answer.status, 201)
    assert.equal(answer.body.account.handle, 'ada')
    const life = Date.parse(answer.body.expiresAt) - Date.now()
    assert.ok(Math.abs(life - 30 * day) < 60_000)
    const cookie = String(answer.headers['set-cookie'])
    assert.match(cookie, new RegExp(`^heliograph_session=${answer.body.token};`))
    for (const attribute of ['HttpOnly', 'SameSite=Lax', 'Secure', 'Path=/']) assert.ok(cookie.includes(attribute))
  })

  test('a wrong password and an unknown e-mail get the same answer', async () => {
    const wrong = await signIn('ada@example.com', 'wrong horse')
    const unknown = await signIn('nobody@example.com')
    assert.equal(wrong.status, 401)
    assert.equal(wrong.body.type, '/problems/invalid-credentials')
    assert.deepEqual({ ...wrong.body, instance: null }, { ...unknown.body, instance: null })
  })

  test('failures are recorded against the account, without the tried password', async () => {
    await signIn('ada@example.com', 'sesame open')
    const events = await server.db
      .selectFrom('history_event')
      .selectAll()
      .where('action', '=', 'session.create')
      .where('outcome', '=', 'failure')
      .execute()
    const ada = (await signIn()).body.account.id
    assert.ok(events.some((event) => event.object_id === ada && event.error_class === 'invalid-credentials'))
    assert.ok(events.some((event) => event.object_id === null))
    assert.doesNotMatch(JSON.stringify(events), /sesame|horse/)
  })

  test('a session ends when it expires', async () => {
    const { token } = (await signIn()).body
    assert.equal((await server.call('GET', '/v1/accounts/me', { token })).status, 200)
    server.clock.offset = 30 * day + 1_000
    const late = await server.call('GET', '/v1/accounts/me', { token })
    server.clock.offset = 0
    assert.equal(late.status, 401)
    assert.equal(late.body.type, '/problems/unauthenticated')
  })

  test('signing out ends this session at once and no other', async () => {
    const [one, other] = [(await signIn()).body.token, (await signIn()).body.token]
    const answer = await server.call('DELETE', '/v1/sessions/current', { token: one })
    assert.equal(answer.status, 204)
    assert.match(String(answer.headers['set-cookie']), /^heliograph_session=;/)
    assert.equal((await server.call('GET', '/v1/accounts/me', { token: one })).status, 401)
    assert.equal((await server.call('GET', '/v1/accounts/me', { token: other })).status, 200)
  })

  test('signing out everywhere ends every session, and no personal token', async () => {
    await server.register('finn')
    const [one, other] = [(await signIn('finn@example.com')).body.token, (await signIn('finn@example.com')).body.token]
    const personal = await server.call('POST', '/v1/accounts/me/tokens', {
      token: one,
      body: { name: 'backup', scopes: ['account:read', 'account:write'], expiresAt: null },
    })
    const stranger = (await signIn()).body.token
    const refused = await server.call('DELETE', '/v1/sessions', { token: personal.body.token })
    assert.equal(refused.status, 403, 'a program cannot throw its owner out')

    const answer = await server.call('DELETE', '/v1/sessions', { token: one })
    assert.equal(answer.status, 204)
    assert.match(String(answer.headers['set-cookie']), /^heliograph_session=;/)
    for (const token of [one, other]) {
      assert.equal((await server.call('GET', '/v1/accounts/me', { token })).status, 401)
    }
    assert.equal((await server.call('GET', '/v1/accounts/me', { token: personal.body.token })).status, 200)
    assert.equal((await server.call('GET', '/v1/accounts/me', { token: stranger })).status, 200)
  })

  test('a new password ends all other sessions and the old password', async () => {
    await server.register('eve')
    const old = (await signIn('eve@example.com')).body.token
    const current = (await signIn('eve@example.com')).body.token
    const answer = await server.call('PATCH', '/v1/accounts/me', {
      token: current,
      body: { password: 'battery staple' },
    })
    assert.equal(answer.status, 200)
    assert.equal((await server.call('GET', '/v1/accounts/me', { token: old })).status, 401)
    assert.equal((await server.call('GET', '/v1/accounts/me', { token: current })).status, 200)
    assert.equal((await signIn('eve@example.com')).status, 401)
    assert.equal((await signIn('eve@example.com', 'battery staple')).status, 201)
  })

  test('signing in with the old password while it changes leaves no session behind', async () => {
    const token = await server.register('mallory')
    const [, ...others] = await Promise.all([
      server.call('PATCH', '/v1/accounts/me', { token, body: { password: 'battery staple' } }),
      ...Array.from({ length: 6 }, () => signIn('mallory@example.com')),
    ])
    for (const other of others) {
      if (other.status !== 201) continue
      assert.equal((await server.call('GET', '/v1/accounts/me', { token: other.body.token })).status, 401)
    }
  })
})

test('guessing is slowed down by network and e-mail, and locks out nobody elsewhere', async () => {
  const server = await startAccountServer({
    limiters: {
      register: createLimiter({ burst: 2, refillSeconds: 60 }),
      signIn: createLimiter({ burst: 3, refillSeconds: 60 }),
      signInNetwork: createLimiter({ burst: 5, refillSeconds: 60 }),
    },
  })
  try {
    await server.register('ada')
    await server.register('bob')
    const attack = (email: string, tried: string, address: string) =>
      server.call('POST', '/v1/sessions', { body: { email, password: tried }, address })
    for (let guess = 0; guess < 3; guess++) {
      assert.equal((await attack('ada@example.com', `guess ${guess}`, '198.51.100.7')).status, 401)
    }
    const refused = await attack('ada@example.com', password, '198.51.100.9')
    assert.equal(refused.status, 429, 'also for a neighbour of the attacker in the same network')
    assert.ok(Number(refused.headers['retry-after']) > 0)
    await attack('ada@example.com', password, '198.51.100.9')
    assert.equal((await attack('ada@example.com', password, '203.0.113.1')).status, 201, 'ada, elsewhere')
    assert.equal((await attack('bob@example.com', 'spray', '198.51.100.7')).status, 429, 'the network tried too often')
    const { events } = await server.db
      .selectFrom('history_event')
      .select((expression) => expression.fn.countAll<number>().as('events'))
      .where('error_class', '=', 'too-many-requests')
      .where('action', '=', 'session.create')
      .executeTakeFirstOrThrow()
    assert.ok(events >= 1 && events <= 2, 'one record for each spell of refusals')

    for (let run = 0; run < 8; run++) {
      assert.equal((await attack('bob@example.com', password, '203.0.113.50')).status, 201, 'success costs nothing')
    }
    const flood = await server.call('POST', '/v1/accounts', {
      body: { handle: 'x', email: 'x@example.com', password, name: 'x' },
    })
    assert.equal(flood.status, 429)
  } finally {
    await server.stop()
  }
})

test('cookies: a request from another site is refused, one from this origin is the person', async () => {
  const server = await startAccountServer({
    publicUrl: 'https://photos.example',
    allowedOrigins: ['https://photos.example', 'https://app.example'],
  })
  try {
    await server.register('ada')
    const { token } = (await server.call('POST', '/v1/sessions', { body: { email: 'ada@example.com', password } })).body
    const cookies = { heliograph_session: token }
    const patch = (headers: Record<string, string>) =>
      server.call('PATCH', '/v1/accounts/me', { cookies, headers, body: { name: 'Ada' } })

    assert.equal((await server.call('GET', '/v1/accounts/me', { cookies })).status, 200, 'reading needs no origin')
    assert.equal((await patch({ 'sec-fetch-site': 'same-origin' })).status, 200)
    assert.equal((await patch({ origin: 'https://photos.example' })).status, 200, 'a browser without Fetch Metadata')
    assert.equal((await patch({ 'sec-fetch-site': 'cross-site', origin: 'https://app.example' })).status, 200)

    const atHome = { host: '192.168.0.7:8080', origin: 'http://192.168.0.7:8080' }
    assert.equal((await patch(atHome)).status, 200, 'a page without HTTPS, of which browsers say no more')

    const attacks: Record<string, string>[] = [
      {},
      { ...atHome, origin: 'http://192.168.0.7:9000' },
      { ...atHome, origin: 'http://192.168.0.70:8080' },
      { ...atHome, origin: 'http://evil.example' },
      { ...atHome, 'sec-fetch-site': 'cross-site' },
      { origin: 'null' },
      { origin: 'https://evil.example' },
      { origin: 'https://photos.example.evil.example' },
      { origin: 'http://photos.example' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
      { 'sec-fetch-site': 'same-site', origin: 'https://sibling.photos.example' },
      { 'sec-fetch-site': 'none' },
      { 'sec-fetch-site': 'cross-site, same-origin' },
    ]
    for (const headers of attacks) {
      const answer = await patch(headers)
      assert.equal(answer.status, 403, JSON.stringify(headers))
      assert.equal(answer.body.type, '/problems/forbidden')
    }

    const bearer = await server.call('PATCH', '/v1/accounts/me', {
      token,
      cookies: { heliograph_session: 'stale' },
      headers: { origin: 'https://evil.example' },
      body: { name: 'Ada' },
    })
    assert.equal(bearer.status, 200, 'a bearer token is sent by no other site')

    await server.call('DELETE', '/v1/sessions/current', { token })
    const stale = await server.call('GET', '/v1/accounts/me', { cookies })
    assert.equal(stale.status, 401, 'a revoked cookie is no anonymous visitor')
    assert.match(String(stale.headers['set-cookie']), /^heliograph_session=;/, 'and the browser is told to forget it')
    const again = await server.call('POST', '/v1/sessions', { cookies, body: { email: 'ada@example.com', password } })
    assert.equal(again.status, 201, 'a stale cookie is in nobody’s way to sign in')
  } finally {
    await server.stop()
  }
})

test('without https the cookie is not Secure, or no browser would keep it', async () => {
  const server = await startAccountServer({ publicUrl: 'http://127.0.0.1:8080' })
  try {
    await server.register('ada')
    const answer = await server.call('POST', '/v1/sessions', { body: { email: 'ada@example.com', password } })
    assert.doesNotMatch(String(answer.headers['set-cookie']), /Secure/)
  } finally {
    await server.stop()
  }
})
