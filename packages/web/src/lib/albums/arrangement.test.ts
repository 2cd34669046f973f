import assert from 'node:assert/strict'
import { test } from 'node:test'
import { moveTo } from './arrangement.ts'

const order = ['a', 'b', 'c', 'd']

test('an item moves before another, or to the end', () => {
  assert.deepEqual(moveTo(order, 'd', 0), { order: ['d', 'a', 'b', 'c'], move: { ids: ['d'], before: 'a' } })
  assert.deepEqual(moveTo(order, 'b', 2), { order: ['a', 'c', 'b', 'd'], move: { ids: ['b'], before: 'd' } })
  assert.deepEqual(moveTo(order, 'a', 99), { order: ['b', 'c', 'd', 'a'], move: { ids: ['a'], before: null } })
})

test('what stays where it is is no move', () => {
  assert.equal(moveTo(order, 'a', 0), null)
  assert.equal(moveTo(order, 'a', -1), null)
  assert.equal(moveTo(order, 'd', 3), null)
  assert.equal(moveTo(order, 'x', 0), null)
})
