import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createDateWords, todayOf } from './dates.ts'

test('days near today have names, others a weekday and a date', () => {
  const words = createDateWords('en-GB', { today: 'Today', yesterday: 'Yesterday' }, '2026-03-01')
  assert.equal(words.day('2026-03-01'), 'Today')
  assert.equal(words.day('2026-02-28'), 'Yesterday')
  assert.equal(words.day('2026-02-27'), 'Fri 27 Feb')
  assert.equal(words.month('2026-02'), 'February 2026')
})

test('a wall clock is read as it stood there, whatever the zone of this device', () => {
  const words = createDateWords('en-GB', { today: 'Today', yesterday: 'Yesterday' }, '2026-03-01')
  assert.equal(words.moment('2026-11-03T23:59:59.999'), '3 November 2026 at 23:59')
  const korean = createDateWords('ko', { today: '오늘', yesterday: '어제' }, '2026-03-01')
  assert.equal(korean.month('2026-11'), '2026년 11월')
  assert.match(korean.day('2026-11-03'), /11월 3일/)
})

test('today is the day on the calendar of this device', () => {
  assert.equal(todayOf(new Date(2026, 0, 5, 23, 59)), '2026-01-05')
})
