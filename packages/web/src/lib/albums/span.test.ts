import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatSpan } from './span.ts'

test('a span of time is said once where both ends share it', () => {
  assert.equal(formatSpan(null, null, 'en'), null)
  assert.equal(formatSpan('2026-05-03T12:00:00Z', '2026-05-03T12:30:00Z', 'en'), 'May 3, 2026')
  const days = formatSpan('2026-05-03T12:00:00Z', '2026-05-07T12:00:00Z', 'en') ?? ''
  assert.match(days.replace(/\s/g, ' '), /^May 3 – 7, 2026$/)
})
