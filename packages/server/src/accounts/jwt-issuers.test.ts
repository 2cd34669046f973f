import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvalidSetting } from '../config/index.ts'
import { parseJwtIssuers } from './jwt-issuers.ts'

const valid = {
  issuer: 'https://issuer.example/',
  audience: 'heliograph',
  jwksUrl: 'https://issuer.example/jwks.json',
  algorithms: ['RS256'],
  claims: { role: '$.realm.roles[0]' },
}

test('a full entry is read, with defaults for what may be absent', () => {
  const [issuer] = parseJwtIssuers([valid])
  assert.ok(issuer)
  assert.deepEqual(issuer.audience, ['heliograph'])
  assert.deepEqual([...issuer.types], ['jwt', 'at+jwt'])
  assert.deepEqual([...issuer.administratorValues], ['administrator'])
  assert.equal(issuer.claims.role?.({ realm: { roles: ['x'] } }), 'x')
  assert.equal(issuer.claims.email, null)
  assert.deepEqual(parseJwtIssuers([]), [])
  assert.ok(parseJwtIssuers([{ ...valid, jwksUrl: 'http://localhost:8081/jwks' }]))
  assert.ok(parseJwtIssuers([{ ...valid, jwksUrl: 'http://[::1]:8081/jwks' }]))
})

const { issuer: _issuer, ...nameless } = valid
for (const [what, setting] of [
  ['no list', valid],
  ['null', null],
  ['an entry that is no object', ['https://issuer.example/']],
  ['an entry without issuer', [nameless]],
  ['an empty issuer', [{ ...valid, issuer: '' }]],
  ['an issuer twice', [valid, valid]],
  ['no audience', [{ ...valid, audience: undefined }]],
  ['an empty audience', [{ ...valid, audience: [] }]],
  ['keys fetched in the clear', [{ ...valid, jwksUrl: 'http://issuer.example/jwks.json' }]],
  ['keys from a host that only looks local', [{ ...valid, jwksUrl: 'http://localhost.example/jwks.json' }]],
  ['keys from a file', [{ ...valid, jwksUrl: 'file:///etc/passwd' }]],
  ['credentials in the URL of the keys', [{ ...valid, jwksUrl: 'https://user:secret@issuer.example/jwks.json' }]],
  ['no algorithms', [{ ...valid, algorithms: [] }]],
  ['the algorithm none', [{ ...valid, algorithms: ['none'] }]],
  ['a symmetric algorithm', [{ ...valid, algorithms: ['RS256', 'HS256'] }]],
  ['a misspelt key', [{ ...valid, algorithm: ['RS256'] }]],
  ['an unknown claim', [{ ...valid, claims: { roles: '$.roles' } }]],
  ['a path that is not singular', [{ ...valid, claims: { role: '$..roles[*]' } }]],
  ['a path that is no text', [{ ...valid, claims: { role: 5 } }]],
] as const) {
  test(`${what} stops the start`, () => {
    assert.throws(
      () => parseJwtIssuers(JSON.parse(JSON.stringify(setting))),
      (error: unknown) => {
        assert.ok(error instanceof InvalidSetting)
        assert.match(error.message, /^JWT_ISSUERS is /)
        assert.doesNotMatch(error.message, /secret/)
        return true
      },
    )
  })
}
