import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dayOf, expiryOf } from './expiry.ts'

const now = new Date('2026-11-20T10:00:00Z')

test('a link ends some days from now, never, or with the last second of a day', () => {
  assert.equal(expiryOf('never', '', now), null)
  assert.equal(expiryOf('day', '', now)?.toISOString(), '2026-11-21T10:00:00.000Z')
  assert.equal(expiryOf('week', '', now)?.toISOString(), '2026-11-27T10:00:00.000Z')
  const last = expiryOf('date', '2026-12-24', now)
  assert.ok(last !== null && dayOf(last) === '2026-12-24' && last.getHours() === 23)
})

test('no day, no moment', () => {
  assert.ok(Number.isNaN(expiryOf('date', '', now)?.getTime()))
})
