import assert from 'node:assert/strict'
import { test } from 'node:test'
import { handleProblem, suggestHandle } from './handle.ts'

test('a handle is suggested from the name, else from the email address', () => {
  assert.equal(suggestHandle('Ada Lovelace', ''), 'ada.lovelace')
  assert.equal(suggestHandle('  Zoë  Ångström ', ''), 'zoe.angstrom')
  assert.equal(suggestHandle('김민지', 'minji.kim+photos@example.com'), 'minji.kimphotos')
  assert.equal(suggestHandle('김민지', ''), '')
  assert.equal(suggestHandle('…', '..@x'), '')
})

test('what is suggested is always taken, or empty', () => {
  for (const name of ['a'.repeat(60), '- -x', '_', 'Jean-Luc', `${'a'.repeat(38)} bc`]) {
    const handle = suggestHandle(name, '')
    assert.ok(handle === '' || handleProblem(handle) === null, `${name} made ${handle}`)
  }
})

test('what is wrong with a handle is named', () => {
  assert.equal(handleProblem(''), 'empty')
  assert.equal(handleProblem('a b'), 'characters')
  assert.equal(handleProblem('민지'), 'characters')
  assert.equal(handleProblem('.ada'), 'start')
  assert.equal(handleProblem('a'.repeat(40)), 'long')
  assert.equal(handleProblem('Ada_L-1.x'), null)
})
