import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFrames, type Frame, movedBy, sectionAt } from './frame.ts'
import { metricsFor } from './metrics.ts'
import type { GridSection } from './source.ts'
import { itemTaken, sectionOf } from './testing.ts'

const metrics = metricsFor(1016, 1280)

function month(name: string, count: number): GridSection {
  return sectionOf(
    name,
    Array.from({ length: count }, (_, at) =>
      itemTaken(`${name}-${String(28 - (at % 28)).padStart(2, '0')}T00:00:00.000`),
    ),
  )
}

/** Where an item is in a frame. */
function heightOf({ sections, layouts, tops }: Frame, id: string): number {
  for (const [at, { items }] of sections.entries()) {
    const box = layouts[at]?.boxes[items?.findIndex((item) => item.id === id) ?? -1]
    if (box !== undefined) return (tops[at] ?? 0) + box.top
  }
  throw new RangeError(`${id} is not in the frame`)
}

const waiting = (section: GridSection): GridSection => ({ ...section, items: null, isCurrent: false })

test('sections stand one below the other, and each height belongs to one', () => {
  const frame = createFrames()([month('2026-11', 40), month('2026-10', 3)], true, metrics)
  assert.equal(frame.tops[1], frame.layouts[0]?.height)
  assert.equal(frame.height, (frame.tops[1] ?? 0) + (frame.layouts[1]?.height ?? 0))
  assert.equal(sectionAt(frame, -50), 0)
  assert.equal(sectionAt(frame, (frame.tops[1] ?? 0) - 1), 0)
  assert.equal(sectionAt(frame, frame.tops[1] ?? 0), 1)
  assert.equal(sectionAt(frame, 1e9), 1)
  assert.equal(sectionAt(createFrames()([], true, metrics), 0), -1)
})

test('only sections that changed are laid out again', () => {
  const frames = createFrames()
  const [one, other] = [month('2026-11', 40), month('2026-10', 30)]
  const before = frames([one, other], true, metrics)
  const after = frames([one, { ...other, count: 30 }], true, metrics)
  assert.equal(after.layouts[0], before.layouts[0])
  assert.notEqual(after.layouts[1], before.layouts[1])
})

test('a section that was forgotten keeps its exact height', () => {
  const frames = createFrames()
  const section = month('2026-11', 77)
  const before = frames([section], true, metrics)
  assert.equal(frames([waiting(section)], true, metrics).height, before.height)
})

test('what is on the screen stays where it is while a section above is loaded', () => {
  const frames = createFrames()
  const [above, here] = [month('2026-11', 311), month('2026-10', 60)]
  const before = frames([waiting(above), here], true, metrics)
  const after = frames([above, here], true, metrics)
  const id = here.items?.[20]?.id ?? ''
  const y = heightOf(before, id)
  assert.notEqual(heightOf(after, id), y)
  assert.equal(movedBy(before, after, y), heightOf(after, id) - y)
})

test('the row at the eye stays where it is when photos come and go above it', () => {
  const frames = createFrames()
  const here = month('2026-10', 60)
  const before = frames([here], false, metrics)
  const row = before.layouts[0]?.rows[8]
  const id = here.items?.[row?.first ?? 0]?.id ?? ''
  const y = (row?.top ?? 0) + 30
  for (const sections of [[month('2026-11', 9), here], [{ ...here, count: 50, items: here.items?.slice(10) ?? [] }]]) {
    const after = frames(sections, false, metrics)
    assert.equal(movedBy(before, after, y), heightOf(after, id) - heightOf(before, id))
  }
})

test('when the picture at the eye is gone the next one takes its place', () => {
  const frames = createFrames()
  const section = month('2026-10', 60)
  const before = frames([section], false, metrics)
  const gone = section.items?.[20]?.id ?? ''
  const y = heightOf(before, gone)
  const items = section.items?.filter(({ id }) => id !== gone) ?? []
  const after = frames([{ ...section, count: 59, items }], false, metrics)
  assert.ok(Math.abs(movedBy(before, after, y)) < 300)
})

test('within a section that was only estimated the place in proportion is kept', () => {
  const frames = createFrames()
  const section = month('2026-10', 300)
  const before = frames([waiting(section)], true, metrics)
  const after = frames([section], true, metrics)
  const moved = before.height / 2 + movedBy(before, after, before.height / 2)
  assert.ok(Math.abs(moved - after.height / 2) < 1)
})
