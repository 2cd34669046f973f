import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TimelineItem } from './item.ts'
import { metricsFor } from './metrics.ts'
import { estimateHeight, itemAt, itemBeyond, layoutSection, visibleItems } from './section-layout.ts'
import type { GridSection } from './source.ts'
import { itemTaken, sectionOf } from './testing.ts'

const wide = metricsFor(1016, 1280)
const phone = metricsFor(374, 390)
const view = { hasDays: true, hasMonth: true }

function days(...counts: number[]): TimelineItem[] {
  return counts.flatMap((count, day) =>
    Array.from({ length: count }, (_, at) =>
      itemTaken(`2026-11-${28 - day}T12:00:${String(59 - at).padStart(2, '0')}.000`),
    ),
  )
}

test('days of few pictures stand side by side on a wide screen, and one below the other on a phone', () => {
  const section = sectionOf('2026-11', days(1, 1, 1, 9))
  const { groups } = layoutSection(section, view, wide)
  assert.deepEqual(
    groups.map(({ top }) => top === groups[0]?.top),
    [true, true, true, false],
  )
  for (const [at, group] of groups.slice(0, 3).entries()) {
    const next = groups[at + 1]
    if (next !== undefined && at < 2) assert.ok(next.left >= group.left + group.width + 24)
  }
  const stacked = layoutSection(section, view, phone).groups
  assert.equal(new Set(stacked.map(({ top }) => top)).size, 4)
})

test('no pictures overlap, whatever the days', () => {
  for (const metrics of [wide, phone, metricsFor(288, 320), metricsFor(1800, 1920)]) {
    const { boxes, height } = layoutSection(sectionOf('2026-11', days(1, 3, 1, 40, 2, 2, 1, 5, 1)), view, metrics)
    for (const [at, box] of boxes.entries()) {
      assert.ok(box.left >= 0 && box.left + box.width <= metrics.width && box.top + box.height <= height)
      for (const other of boxes.slice(at + 1)) {
        const apart =
          other.left >= box.left + box.width ||
          box.left >= other.left + other.width ||
          other.top >= box.top + box.height ||
          box.top >= other.top + other.height
        assert.ok(apart)
      }
    }
  }
})

test('the heading of a day that began in the section before is not repeated', () => {
  const section: GridSection = { ...sectionOf('2026-11', days(5, 5)), continues: true }
  assert.deepEqual(
    layoutSection(section, { hasDays: true, hasMonth: false }, phone).groups.map(({ heading }) => heading),
    [null, '2026-11-27'],
  )
})

test('what is missing of a section takes the height it may need, and the known part stays where it is', () => {
  const items = days(60)
  const part: GridSection = { ...sectionOf('2026-11', items), count: 400, isCurrent: false }
  const partly = layoutSection(part, view, wide)
  assert.ok(partly.height > layoutSection(sectionOf('2026-11', items), view, wide).height * 3)
  const whole = layoutSection(sectionOf('2026-11', [...items, ...days(40)]), view, wide)
  assert.deepEqual(partly.boxes.slice(0, 50), whole.boxes.slice(0, 50))
})

test('the estimate is near what such pictures take', () => {
  const items = days(...Array.from({ length: 28 }, (_, day) => 6 + ((day * 7) % 13)))
  for (const metrics of [wide, phone]) {
    const { height } = layoutSection(sectionOf('2026-11', items), { hasDays: true, hasMonth: false }, metrics)
    const ratio = estimateHeight(items.length, true, metrics) / height
    assert.ok(ratio > 0.7 && ratio < 1.4, String(ratio))
  }
})

test('only the pictures of rows that touch the screen are visible', () => {
  const layout = layoutSection(sectionOf('2026-11', days(50)), { hasDays: false, hasMonth: false }, wide)
  const { first, end } = visibleItems(layout, 500, 900)
  for (const [index, box] of layout.boxes.entries()) {
    const touches = box.top + box.height >= 500 && box.top <= 900
    assert.equal(index >= first && index < end, touches)
  }
  assert.deepEqual(visibleItems(layout, 1e6, 2e6), { first: 0, end: 0 })
})

test('a point finds its picture, and arrows find the nearest one in the next line', () => {
  const layout = layoutSection(sectionOf('2026-11', days(1, 1, 30)), view, wide)
  for (const [index, box] of layout.boxes.entries()) {
    assert.equal(itemAt(layout, box.left + box.width / 2, box.top + box.height / 2), index)
  }
  const [first] = layout.boxes
  const below = itemBeyond(layout, first?.top ?? 0, 1, 50)
  assert.ok(below !== null && (layout.boxes[below]?.top ?? 0) > (first?.top ?? 0))
  assert.equal(itemBeyond(layout, layout.boxes[below ?? 0]?.top ?? 0, -1, 50), 0)
  assert.equal(itemBeyond(layout, first?.top ?? 0, -1, 50), null)
})
