import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chunkSize, chunksOf, filled, inserted, offsetInMonth, recount, trimmed, updated, without } from './chunks.ts'
import type { TimelineItem } from './item.ts'
import { findLoaded, type GridSection, locate } from './source.ts'
import { itemTaken, sectionOf } from './testing.ts'

const at = (day: number, second = 0) =>
  `2026-11-${String(day).padStart(2, '0')}T12:00:${String(second).padStart(2, '0')}.000`
const idsOf = (sections: readonly GridSection[]) => sections.flatMap(({ items }) => items?.map(({ id }) => id) ?? [])

/** As the server would send them: newest first. */
function isSorted(sections: readonly GridSection[]): boolean {
  const moments = sections.flatMap(({ items }) => items?.map(({ takenAt }) => takenAt) ?? [])
  return moments.every((moment, index) => index === 0 || (moments[index - 1] ?? '') >= moment)
}

test('a month is cut into pieces that one request brings, which together count the same', () => {
  const sections = chunksOf([
    { month: '2026-11', count: 2 * chunkSize + 7 },
    { month: '2026-10', count: 3 },
  ])
  assert.deepEqual(
    sections.map(({ key, count }) => [key, count]),
    [
      ['2026-11/0', chunkSize],
      ['2026-11/1', chunkSize],
      ['2026-11/2', 7],
      ['2026-10/0', 3],
    ],
  )
  assert.deepEqual(
    sections.map((_, index) => offsetInMonth(sections, index)),
    [0, chunkSize, 2 * chunkSize, 0],
  )
  assert.deepEqual(locate(sections, 2 * chunkSize + 7), { section: 3, offset: 0 })
  assert.equal(locate(sections, 2 * chunkSize + 10), null)
  assert.equal(locate(sections, -1), null)
})

test('a piece knows whether its days go on beyond it', () => {
  const [section] = chunksOf([{ month: '2026-11', count: 2 }])
  assert.ok(section !== undefined)
  const items = [itemTaken(at(9)), itemTaken(at(7))]
  const piece = filled(section, { before: itemTaken(at(9, 5)), items, after: itemTaken(at(6)) })
  assert.deepEqual([piece.continues, piece.goesOn, piece.isCurrent], [true, false, true])
})

test('what did not change stays the same object', () => {
  const november = sectionOf('2026-11', [itemTaken(at(9))])
  const october = sectionOf('2026-10', [itemTaken('2026-10-01T00:00:00.000')])
  const sections = [november, october]
  assert.equal(without(sections, new Set(idsOf([november])))[0], october)
  assert.equal(updated(sections, new Map([['unknown', itemTaken(at(1))]]))[0], november)
  const counted = recount(
    sections,
    [
      { month: '2026-11', count: 2 },
      { month: '2026-10', count: 1 },
    ],
    () => false,
  )
  assert.equal(counted[1], october)
  assert.equal(counted[0]?.isCurrent, false)
  assert.deepEqual(counted[0]?.items, november.items)
})

test('a month that is empty now is gone, and one that is new has its place', () => {
  const sections = chunksOf([
    { month: '2026-11', count: 1 },
    { month: '2026-09', count: 1 },
  ])
  const months = [
    { month: '2026-10', count: 4 },
    { month: '2026-09', count: 1 },
  ]
  assert.deepEqual(
    recount(sections, months, () => false).map(({ month, count }) => [month, count]),
    [
      ['2026-10', 4],
      ['2026-09', 1],
    ],
  )
})

test('what was taken away and is put back stands where it was', () => {
  const items = [5, 4, 3, 2, 1].map((day) => itemTaken(at(day)))
  const sections = [sectionOf('2026-11', items.slice(0, 3)), sectionOf('2026-11', items.slice(3), 1)]
  const gone = new Set([items[0], items[3], items[4]].map((item) => item?.id ?? ''))
  const left = without(sections, gone)
  assert.deepEqual(
    left.map(({ count }) => count),
    [2],
  )
  const back = inserted(
    left,
    items.filter(({ id }) => gone.has(id)),
  )
  assert.deepEqual(idsOf(back), idsOf(sections))
  assert.ok(isSorted(back))
  assert.deepEqual(inserted(back, items), back)
})

test('an item whose moment changed moves, also to a month that was not there', () => {
  const item = itemTaken(at(5))
  const sections = [
    sectionOf('2026-11', [itemTaken(at(9)), item]),
    sectionOf('2026-09', [itemTaken('2026-09-01T00:00:00.000')]),
  ]
  for (const takenAt of [
    at(20),
    at(1),
    '2026-10-10T00:00:00.000',
    '2026-12-01T00:00:00.000',
    '2020-01-01T00:00:00.000',
  ]) {
    const moved = updated(sections, new Map([[item.id, { ...item, takenAt }]]))
    assert.ok(isSorted(moved), takenAt)
    assert.equal(findLoaded(moved, item.id)?.item.takenAt, takenAt)
    assert.equal(
      moved.reduce((sum, { count }) => sum + count, 0),
      3,
    )
  }
})

test('what belongs into a piece that is not loaded is counted there', () => {
  const sections: GridSection[] = chunksOf([{ month: '2026-11', count: 3 }])
  assert.equal(inserted(sections, [itemTaken(at(3))])[0]?.count, 4)
})

test('pieces far from the screen are forgotten, those near it never', () => {
  const sections = Array.from({ length: 30 }, (_, piece) => sectionOf('2026-11', [itemTaken(at(1))], piece))
  const kept = trimmed(sections, { first: 10, last: 12 }, 9)
  const loaded = kept.flatMap(({ items }, index) => (items === null ? [] : [index]))
  assert.equal(loaded.length, 9)
  assert.ok(loaded.every((index) => index >= 6 && index <= 16))
  assert.equal(trimmed(sections, { first: 0, last: 29 }, 9).filter(({ items }) => items !== null).length, 30)
})

test('any order of changes keeps every item once and in order', () => {
  let state = 7
  const number = (below: number) => {
    state = (state * 1103515245 + 12345) % 2 ** 31
    return state % below
  }
  let sections: GridSection[] = []
  const all = new Map<string, TimelineItem>()
  for (let round = 0; round < 400; round += 1) {
    const known = [...all.values()]
    const one = known[number(Math.max(1, known.length))]
    const takenAt = `2026-${String(1 + number(4)).padStart(2, '0')}-${String(1 + number(28)).padStart(2, '0')}T00:00:00.000`
    if (one === undefined || number(3) === 0) {
      const item = itemTaken(takenAt)
      all.set(item.id, item)
      sections = inserted(sections, [item])
    } else if (number(2) === 0) {
      const moved = { ...one, takenAt }
      all.set(one.id, moved)
      sections = updated(sections, new Map([[one.id, moved]]))
    } else {
      all.delete(one.id)
      sections = without(sections, new Set([one.id]))
    }
    assert.ok(isSorted(sections))
    assert.deepEqual(new Set(idsOf(sections)), new Set(all.keys()))
    assert.equal(
      sections.reduce((sum, { count }) => sum + count, 0),
      all.size,
    )
  }
})
