import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type JWTPayload, SignJWT } from 'jose'
import { type AccountServer, password, startAccountServer } from './testing/account-server.ts'
import { startIssuer, type TestIssuer } from './testing/issuer.ts'

const seconds = () => Math.floor(Date.now() / 1000)

/** As in the setting `JWT_ISSUERS`. */
const settingOf = (issuer: TestIssuer, more: object = {}) => ({
  issuer: issuer.issuer,
  audience: 'heliograph',
  jwksUrl: issuer.jwksUrl,
  algorithms: ['RS256', 'ES256', 'EdDSA'],
  claims: {
    role: '$.realm.roles',
    email: '$.email',
    name: "$['https://issuer.example/name']",
    handle: '$.preferred_username',
  },
  administratorValues: ['media-admin'],
  ...more,
})

const claimsOf = (issuer: TestIssuer, sub: string, more: JWTPayload = {}): JWTPayload => ({
  iss: issuer.issuer,
  aud: 'heliograph',
  sub,
  exp: seconds() + 300,
  ...more,
})

const meWith = (server: AccountServer, token: string) => server.call('GET', '/v1/accounts/me', { token })

describe('JWTs of a configured issuer', () => {
  let issuer: TestIssuer
  let server: AccountServer
  before(async () => {
    issuer = await startIssuer()
    server = await startAccountServer({ jwtIssuers: [settingOf(issuer)] })
    await server.register('root1')
    await server.register('ada')
  })
  after(async () => {
    await server.stop()
    await issuer.stop()
  })

  for (const algorithm of ['RS256', 'ES256', 'EdDSA'] as const) {
    test(`a token signed with ${algorithm} signs in and makes the account it describes`, async () => {
      const handle = `grace.${algorithm.toLowerCase()}`
      const token = await issuer.sign(
        claimsOf(issuer, `sub-${algorithm}`, {
          email: `${handle}@Issuer.example`,
          preferred_username: handle,
          'https://issuer.example/name': 'Grace Hopper',
          realm: { roles: ['viewer'] },
        }),
        { algorithm },
      )
      const me = await meWith(server, token)
      assert.equal(me.status, 200, JSON.stringify(me.body))
      assert.equal(me.body.handle, handle)
      assert.equal(me.body.email, `${handle}@issuer.example`)
      assert.equal(me.body.name, 'Grace Hopper')
      assert.equal(me.body.role, 'member')
      assert.equal(me.body.storage.limitBytes, 1_000_000)
    })
  }

  test('twenty first requests of one person at once make one account', async () => {
    const token = await issuer.sign(claimsOf(issuer, 'twin', { preferred_username: 'twin' }))
    const answers = await Promise.all(Array.from({ length: 20 }, () => meWith(server, token)))
    assert.deepEqual(new Set(answers.map((answer) => answer.status)), new Set([200]))
    assert.equal(new Set(answers.map((answer) => answer.body.id)).size, 1)
  })

  const attacks: Record<string, (claims: JWTPayload) => Promise<string> | string> = {
    'is expired': (claims) => issuer.sign({ ...claims, exp: seconds() - 31 }),
    'never expires': ({ exp: _exp, ...claims }) => issuer.sign(claims),
    'is not valid yet': (claims) => issuer.sign({ ...claims, nbf: seconds() + 300 }),
    'names another audience': (claims) => issuer.sign({ ...claims, aud: 'another-app' }),
    'names no audience': ({ aud: _aud, ...claims }) => issuer.sign(claims),
    'names another issuer': (claims) => issuer.sign({ ...claims, iss: 'https://evil.example/' }),
    'names an issuer that is nearly right': (claims) => issuer.sign({ ...claims, iss: 'https://issuer.example' }),
    'names no subject': ({ sub: _sub, ...claims }) => issuer.sign(claims),
    'has an empty subject': (claims) => issuer.sign({ ...claims, sub: '' }),
    'has NUL in its subject': (claims) => issuer.sign({ ...claims, sub: 'a\u0000' }),
    'is signed with a key the issuer never published': (claims) => issuer.sign(claims, { forged: true }),
    'names an unknown key': (claims) => issuer.sign(claims, { header: { kid: 'unknown' } }),
    'is a logout token': (claims) => issuer.sign(claims, { header: { typ: 'logout+jwt' } }),
    'has no type': (claims) => issuer.sign(claims, { header: { typ: undefined } }),
    'has a critical extension nobody knows': (claims) =>
      issuer.sign(claims, { header: { crit: ['b64'], b64: false } }).catch(() => 'a.b.c'),
    'is not signed': (claims) => `${encode({ alg: 'none', typ: 'JWT' })}.${encode(claims)}.`,
    'is not signed, in other letters': (claims) => `${encode({ alg: 'nOnE', typ: 'JWT' })}.${encode(claims)}.`,
    'takes the public key for a shared secret': (claims) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT', kid: 'RS256' })
        .sign(new TextEncoder().encode(issuer.publicPem)),
    'was changed after signing': async (claims) => {
      const [header, , signature] = (await issuer.sign(claims)).split('.')
      return `${header}.${encode({ ...claims, realm: { roles: ['media-admin'] } })}.${signature}`
    },
    'lost its signature': async (claims) => (await issuer.sign(claims)).replace(/\.[^.]*$/, '.'),
  }
  for (const [what, attack] of Object.entries(attacks)) {
    test(`a token that ${what} is refused and makes no account`, async () => {
      const count = () => server.db.selectFrom('account').select('id').execute()
      const before = await count()
      const answer = await meWith(
        server,
        await attack(claimsOf(issuer, 'attacker', { preferred_username: 'attacker' })),
      )
      assert.deepEqual([answer.status, answer.body.type], [401, '/problems/unauthenticated'])
      assert.equal((await count()).length, before.length)
    })
  }

  test('clocks may differ by half a minute', async () => {
    const token = await issuer.sign(claimsOf(issuer, 'late', { exp: seconds() - 20 }))
    assert.equal((await meWith(server, token)).status, 200)
  })

  test('an address that a local account has stays with it', async () => {
    const token = await issuer.sign(claimsOf(issuer, 'taker', { email: 'ADA@example.com', preferred_username: 'ada' }))
    const me = await meWith(server, token)
    assert.equal(me.status, 200)
    assert.equal(me.body.email, null)
    assert.match(me.body.handle, /^ada-\d{5}$/)
    const signIn = await server.call('POST', '/v1/sessions', { body: { email: 'ada@example.com', password } })
    assert.equal(signIn.body.account.handle, 'ada')
    assert.notEqual(signIn.body.account.id, me.body.id)
  })

  test('strange names become handles that are allowed', async () => {
    for (const [username, handle] of [
      ['Zoë Müller', /^zoe-muller$/],
      ['../../etc/passwd', /^etc-passwd$/],
      ['me', /^me-\d{5}$/],
      ['김철수', /^person(-\d{5})?$/],
      ['x'.repeat(300), /^x{39}$/],
    ] as const) {
      const me = await meWith(
        server,
        await issuer.sign(claimsOf(issuer, username.slice(0, 99), { preferred_username: username })),
      )
      assert.match(me.body.handle, handle)
    }
  })

  test('the issuer decides the role, at each request, and nobody here does', async () => {
    const token = (roles: unknown) =>
      issuer.sign(claimsOf(issuer, 'boss', { preferred_username: 'boss', realm: { roles } }))
    const list = async (roles: unknown) =>
      (await server.call('GET', '/v1/accounts', { token: await token(roles) })).status
    assert.equal(await list(['viewer', 'media-admin']), 200)
    assert.equal(await list('media-admin'), 200)
    assert.equal((await meWith(server, await token(['media-admin']))).body.role, 'administrator')
    const patch = await server.call('PATCH', '/v1/accounts/boss', {
      token: await token(['media-admin']),
      body: { role: 'member' },
    })
    assert.equal(patch.status, 409)
    assert.equal(await list(['administrator']), 403)
    assert.equal(await list({ 'media-admin': true }), 403)
    assert.equal(await list(undefined), 403)
  })

  test('a suspended person is refused, and cannot set a password here', async () => {
    const token = await issuer.sign(claimsOf(issuer, 'sus', { preferred_username: 'sus' }))
    await meWith(server, token)
    const set = await server.call('PATCH', '/v1/accounts/me', { token, body: { password: 'battery staple' } })
    assert.equal(set.status, 409)
    await server.db.updateTable('account').set({ suspended_at: new Date() }).where('handle', '=', 'sus').execute()
    assert.equal((await meWith(server, token)).body.type, '/problems/account-suspended')
  })
})

test('keys that cannot be fetched are no fault of the token, and it works once they can', async () => {
  const issuer = await startIssuer()
  const server = await startAccountServer({ jwtIssuers: [settingOf(issuer)] })
  try {
    const token = await issuer.sign(claimsOf(issuer, 'grace'))
    for (const [status, body] of [
      [500, ''],
      [302, ''],
      [200, 'no json'],
      [200, '{"keys": 5}'],
    ] as const) {
      issuer.break(status, body)
      const answer = await meWith(server, token)
      assert.deepEqual([answer.status, answer.headers['retry-after'] !== undefined], [503, true])
    }
    issuer.mend()
    assert.equal((await meWith(server, token)).status, 200)
    const before = issuer.requests()
    assert.equal((await meWith(server, token)).status, 200)
    assert.equal(issuer.requests(), before, 'keys are kept')
    issuer.break(500)
    const stranger = await issuer.sign(claimsOf(issuer, 'x'), { header: { kid: 'unknown' } })
    assert.equal(
      (await meWith(server, stranger)).status,
      401,
      'a wrong token does not make the server ask again at once',
    )
  } finally {
    await server.stop()
    await issuer.stop()
  }
})

test('scopes come from the token where the issuer states them, else it may do all', async () => {
  const issuer = await startIssuer()
  const server = await startAccountServer({ jwtIssuers: [settingOf(issuer, { claims: { scope: '$.scope' } })] })
  try {
    const status = async (scope: unknown) =>
      (await meWith(server, await issuer.sign(claimsOf(issuer, 'grace', { scope })))).status
    assert.equal(await status('openid account:read'), 200)
    assert.equal(await status(['account:read']), 200)
    assert.equal(await status('openid'), 403)
    assert.equal(await status(undefined), 403)
    const token = await issuer.sign(claimsOf(issuer, 'grace', { scope: 'account:read account:write' }))
    assert.equal(
      (await meWith(server, token)).body.role,
      'administrator',
      'the first account, as this issuer states no roles',
    )
    const more = await server.call('POST', '/v1/accounts/me/tokens', {
      token,
      body: { name: 'x', scopes: ['uploads:write'] },
    })
    assert.deepEqual([more.status, more.body.type], [403, '/problems/insufficient-scope'])
  } finally {
    await server.stop()
    await issuer.stop()
  }
})

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
