import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseCoding, codings } from './encoding.ts'

test('the server chooses among what the client allows', () => {
  assert.equal(chooseCoding('gzip, deflate, br, zstd', codings), 'br')
  assert.equal(chooseCoding('gzip, deflate, br, zstd', ['zstd', 'br', 'gzip']), 'zstd')
  assert.equal(chooseCoding('gzip, zstd', codings), 'zstd')
  assert.equal(chooseCoding('GZIP', codings), 'gzip')
  assert.equal(chooseCoding('*', codings), 'br')
})

test('a weight of the client is obeyed, nought above all', () => {
  assert.equal(chooseCoding('br;q=0.5, gzip;q=0.9', codings), 'gzip')
  assert.equal(chooseCoding('br;q=0, *', codings), 'zstd')
  assert.equal(chooseCoding('br; q=0, zstd; q=0, gzip; q=0', codings), null)
  assert.equal(chooseCoding('identity, gzip;q=0.2', codings), null)
})

test('bytes go as they are to whoever names no coding, or none we have', () => {
  assert.equal(chooseCoding(undefined, codings), null)
  assert.equal(chooseCoding('', codings), null)
  assert.equal(chooseCoding('deflate, br;q=nonsense', codings), null)
  assert.equal(chooseCoding('br', []), null)
})
