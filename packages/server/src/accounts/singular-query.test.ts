import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileSingularQuery, InvalidQuery } from './singular-query.ts'

const claims: unknown = JSON.parse(`{
  "sub": "42", "empty": "", "nothing": null, "no": false,
  "realm": { "roles": ["user", "administrator", ["deep"]], "a.b": 1, "it's": 2, "\\"": 3, "back\\\\slash": 4, "new\\nline": 5 },
  "https://example.com/roles": ["x"], "ключ": "cyrillic", "😀": "smile", "_x1": "underscore", "": "no name",
  "__proto__": { "polluted": true }, "length": 7
}`)

const found: [query: string, value: unknown][] = [
  ['$', claims],
  ['$.sub', '42'],
  ['$.empty', ''],
  ['$.nothing', null],
  ['$.no', false],
  ["$['sub']", '42'],
  ['$["sub"]', '42'],
  ['$.realm.roles[0]', 'user'],
  ['$.realm.roles[1]', 'administrator'],
  ['$.realm.roles[-1][0]', 'deep'],
  ['$.realm.roles[-3]', 'user'],
  ["$['realm']['roles'][0]", 'user'],
  ["$.realm['a.b']", 1],
  ["$.realm['it\\'s']", 2],
  ['$.realm["it\'s"]', 2],
  ['$.realm["\\""]', 3],
  ["$.realm['\"']", 3],
  ["$.realm['back\\\\slash']", 4],
  ["$.realm['new\\nline']", 5],
  ["$.realm['new\\u000aline']", 5],
  ["$['https://example.com/roles'][0]", 'x'],
  ["$['https:\\/\\/example.com\\/roles'][0]", 'x'],
  ['$.ключ', 'cyrillic'],
  ['$.😀', 'smile'],
  ["$['\\uD83D\\uDE00']", 'smile'],
  ["$['\\u0073ub']", '42'],
  ['$._x1', 'underscore'],
  ["$['']", 'no name'],
  ['$.__proto__.polluted', true],
  ['$.length', 7],
  ['$ .realm\n.roles [ 0 ]', 'user'],
  ["$[ 'sub' ]", '42'],
]

for (const [query, value] of found) {
  test(`${JSON.stringify(query)} is found`, () => {
    assert.deepEqual(compileSingularQuery(query)(claims), value)
  })
}

const missing = [
  '$.absent',
  '$.sub.length',
  '$.sub[0]',
  '$.realm.roles.length',
  "$.realm.roles['0']",
  '$.realm.roles[3]',
  '$.realm.roles[-4]',
  '$.realm[0]',
  '$.nothing.more',
  '$.constructor',
  '$.toString.name',
  '$.realm.__proto__',
  '$.realm.__proto__.polluted',
  '$.realm.roles.constructor',
  '$.realm.hasOwnProperty',
]

for (const query of missing) {
  test(`${query} leads to nothing`, () => {
    assert.equal(compileSingularQuery(query)(claims), undefined)
  })
}

test('what is no object has no members', () => {
  for (const value of [undefined, null, 1, 'text', true, []]) {
    assert.equal(compileSingularQuery('$.length')(value), undefined)
    assert.equal(compileSingularQuery('$[0]')(value), undefined)
  }
})

const invalid = [
  '',
  ' $',
  '$ ',
  'sub',
  '@.sub',
  '$.',
  '$..sub',
  '$.*',
  '$[*]',
  '$[',
  '$[]',
  '$[0',
  '$[00]',
  '$[01]',
  '$[-0]',
  '$[+1]',
  '$[1.0]',
  '$[1e3]',
  '$[0,1]',
  '$[0:1]',
  '$[9007199254740992]',
  '$[?@.a]',
  '$[?match(@.a, "(a+)+")]',
  '$.a-b',
  '$.1a',
  '$. a',
  "$['a'",
  "$['a]",
  '$[\'a"]',
  "$['a''b']",
  '$["it\\\'s"]',
  "$['\\\"']",
  "$['\\x41']",
  "$['\\u00']",
  "$['\\uD83D']",
  "$['\\uDE00\\uD83D']",
  "$['\\uD83Dx']",
  "$['a\nb']",
  "$['\u0000']",
  '$sub',
  '$.a;b',
  `$.${'a'.repeat(1_024)}`,
]

for (const query of invalid) {
  test(`${JSON.stringify(query).slice(0, 40)} is refused when it is compiled`, () => {
    assert.throws(() => compileSingularQuery(query), InvalidQuery)
  })
}
