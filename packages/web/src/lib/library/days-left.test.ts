import assert from 'node:assert/strict'
import { test } from 'node:test'
import { daysLeft } from './days-left.ts'

const trashedAt = '2026-11-01T12:00:00.000Z'

test('counts whole days, and none on the last one or when the job is late', () => {
  const at = (moment: string) => daysLeft(trashedAt, 30, Date.parse(moment))
  assert.equal(at('2026-11-01T12:00:00.000Z'), 30)
  assert.equal(at('2026-11-01T12:00:01.000Z'), 29)
  assert.equal(at('2026-11-30T18:00:00.000Z'), 0)
  assert.equal(at('2026-12-24T00:00:00.000Z'), 0)
})
