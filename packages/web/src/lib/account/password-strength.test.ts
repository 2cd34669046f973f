import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTooLong, passwordLength, passwordStrength } from './password-strength.ts'

test('strength grows with length', () => {
  assert.equal(passwordStrength('1234567'), 'short')
  assert.equal(passwordStrength('12345678'), 'fair')
  assert.equal(passwordStrength('correct horse'), 'good')
  assert.equal(passwordStrength('correct horse battery'), 'strong')
  assert.equal(passwordStrength('aaaaaaaaaaaaaaaaaaaaaaaa'), 'fair')
})

test('characters are counted as the server counts them', () => {
  assert.equal(passwordLength('비밀번호는여덟자'), 8)
  assert.equal(passwordLength('비밀'.normalize('NFD')), 2)
  assert.equal(passwordLength('🌞🌞'), 2)
})

test('more than the server hashes is refused beforehand', () => {
  assert.equal(isTooLong('가'.repeat(341)), false)
  assert.equal(isTooLong('가'.repeat(342)), true)
})
