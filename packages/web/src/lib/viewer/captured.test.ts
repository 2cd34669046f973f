import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromLocalInput, toLocalInput, wallClockOf, zoneOf } from './captured.ts'

const seoul = { capturedAt: '2026-11-03T01:20:30.000Z', capturedOffset: 540 }

test('a photo keeps the clock of the place where it was taken', () => {
  assert.equal(wallClockOf(seoul), '2026-11-03T10:20:30.000')
  assert.equal(zoneOf(seoul), 'UTC+09:00')
  assert.equal(zoneOf({ ...seoul, capturedOffset: -210 }), 'UTC−03:30')
  assert.equal(zoneOf({ ...seoul, capturedOffset: null }), null)
})

test('editing the time without changing it changes nothing', () => {
  assert.equal(toLocalInput(seoul), '2026-11-03T10:20:30')
  assert.equal(fromLocalInput(toLocalInput(seoul), seoul), seoul.capturedAt)
  assert.equal(fromLocalInput('2026-11-03T10:20', seoul), '2026-11-03T01:20:00.000Z')
})

test('what is no time is not taken for one', () => {
  for (const typed of ['', '2026-13-40T00:00', '0012-01-01T00:00:00']) assert.equal(fromLocalInput(typed, seoul), null)
})
