import assert from 'node:assert/strict'
import { test } from 'node:test'
import { justify, type RowLimits } from './justified.ts'

const limits = (width: number, target = 200): RowLimits => ({ width, target, tallest: target * 1.4, gap: 4 })

/** The same numbers each time, spread between 0 and 1. */
function createNumbers(seed: number) {
  let state = seed
  return () => {
    state = (state * 1103515245 + 12345) % 2 ** 31
    return state / 2 ** 31
  }
}

function library(count: number, seed = 1): number[] {
  const number = createNumbers(seed)
  return Array.from({ length: count }, () => {
    const kind = number()
    if (kind < 0.02) return 3 + 9 * number()
    return kind < 0.3 ? 0.4 + 0.5 * number() : 1.2 + 0.6 * number()
  })
}

test('every row but the last is exactly as wide as the grid, and none is taller than it may be', () => {
  for (const width of [288, 304, 374, 390, 599, 768, 1016, 1280, 1919, 2560]) {
    for (const count of [2, 3, 17, 100, 5000]) {
      const target = width < 600 ? 120 : 200
      const { boxes, rows } = justify(library(count, width), limits(width, target))
      for (const row of rows.slice(0, -1)) {
        const own = boxes.slice(row.first, row.end)
        const last = own.at(-1)
        assert.equal((last?.left ?? 0) + (last?.width ?? 0), width)
        assert.ok(row.height <= target * 1.4 && row.height >= target * 0.4, `${row.height} at ${width}`)
        for (const [at, box] of own.entries()) {
          const next = own[at + 1]
          if (next !== undefined) assert.equal(next.left - box.left - box.width, 4)
        }
      }
    }
  }
})

test('rows hold all pictures once, in order, one below the other', () => {
  const { boxes, rows, height } = justify(library(400), limits(1016))
  assert.equal(boxes.length, 400)
  assert.deepEqual(
    rows.flatMap(({ first, end }) => Array.from({ length: end - first }, (_, at) => first + at)),
    Array.from({ length: 400 }, (_, at) => at),
  )
  for (const [at, row] of rows.entries()) {
    const next = rows[at + 1]
    if (next !== undefined) assert.equal(next.top, row.top + row.height + 4)
    else assert.equal(height, row.top + row.height)
  }
})

test('the last row is not stretched', () => {
  const { boxes, rows } = justify([1.5, 1.5, 1.5, 1.5, 1.5], limits(1000))
  assert.equal(rows.length, 2)
  assert.equal(rows[1]?.height, 200)
  assert.equal(boxes[4]?.width, 300)
})

test('the last row is filled where the day goes on, unless it would grow too tall', () => {
  const nearlyFull = justify([1.5, 1.5, 1.3], limits(1016), true)
  assert.equal((nearlyFull.boxes[2]?.left ?? 0) + (nearlyFull.boxes[2]?.width ?? 0), 1016)
  const alone = justify([1.5], limits(1016), true)
  assert.equal(alone.rows[0]?.height, 200)
})

test('a panorama takes a row of its own and can still be pressed', () => {
  for (const width of [288, 390, 1016]) {
    const target = width < 600 ? 120 : 200
    const { rows, boxes } = justify([12], limits(width, target))
    assert.ok((rows[0]?.height ?? 0) >= target * 0.5)
    assert.ok((boxes[0]?.width ?? 0) <= width)
  }
})

test('one picture keeps the wanted height, and what has no shape is a square', () => {
  assert.deepEqual(justify([1], limits(1016)).boxes, [{ left: 0, top: 0, width: 200, height: 200 }])
  assert.equal(justify([Number.NaN], limits(1016)).boxes[0]?.width, 200)
  assert.deepEqual(justify([], limits(1016)), { boxes: [], rows: [], height: 0, width: 0 })
})
