import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chunksOf } from './chunks.ts'
import { createFrames } from './frame.ts'
import { metricsFor } from './metrics.ts'
import { markAfterKey, markAt, monthMarks, yearLabels } from './scrubber.ts'

const months = ['2026-11', '2026-10', '2025-12', '2024-08', '2024-07'].map((month) => ({ month, count: 500 }))
const frame = createFrames()(chunksOf(months), true, metricsFor(1016, 1280))
const marks = monthMarks(frame, frame.height - 800)

test('each month has one mark, in proportion to where it is', () => {
  assert.deepEqual(
    marks.map(({ month }) => month),
    months.map(({ month }) => month),
  )
  assert.equal(marks[0]?.at, 0)
  for (const [index, { at }] of marks.entries()) assert.ok(at >= (marks[index - 1]?.at ?? 0) && at <= 1)
})

test('a height is in the month that begins at or above it', () => {
  assert.equal(markAt(marks, 0), 0)
  assert.equal(markAt(marks, marks[2]?.top ?? 0), 2)
  assert.equal(markAt(marks, (marks[2]?.top ?? 0) - 1), 1)
  assert.equal(markAt(marks, 1e9), 4)
  assert.equal(markAt([], 0), -1)
})

test('years are written where there is room', () => {
  assert.deepEqual(
    yearLabels(marks, 600, 22).map(({ year }) => year),
    ['2026', '2025', '2024'],
  )
  assert.deepEqual(
    yearLabels(marks, 44, 22).map(({ year }) => year),
    ['2026', '2024'],
  )
})

test('keys walk by months and years and stop at the ends', () => {
  const walk = (from: number, key: string) => markAfterKey(marks, from, key)
  assert.deepEqual([walk(0, 'ArrowDown'), walk(0, 'ArrowUp'), walk(4, 'ArrowDown')], [1, 0, 4])
  assert.deepEqual(
    [walk(0, 'PageDown'), walk(4, 'PageDown'), walk(4, 'PageUp'), walk(2, 'PageUp'), walk(1, 'PageUp')],
    [2, 4, 2, 0, 0],
  )
  assert.deepEqual([walk(2, 'Home'), walk(2, 'End'), walk(2, 'a')], [0, 4, null])
})
