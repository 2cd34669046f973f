import assert from 'node:assert/strict'
import { test } from 'node:test'
import { safeNext } from './next.ts'

const origin = 'https://photos.example'

test('a path of this site is gone to as it is', () => {
  assert.equal(safeNext('/albums/1?x=2#y', origin), '/albums/1?x=2#y')
})

test('what leads elsewhere, or back to signing in, leads to the photos', () => {
  const wanted = [
    null,
    '',
    'albums',
    'https://evil.example/',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    '/./\\evil.example',
    '/..//evil.example',
    'javascript:alert(1)',
    '/sign-in',
    '/sign-in?next=/sign-in',
    '/sign-up',
    '/',
  ]
  for (const one of wanted) assert.equal(safeNext(one, origin), '/photos', JSON.stringify(one))
})
