import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Asset, Page } from '@heliograph/client'
import { changes } from '../grid/changes.ts'
import { createRenewing } from './renewing.ts'

function fixture() {
  let time = 0
  let loads = 0
  let refreshes = 0
  const heard: string[] = []
  const asset = (id: string) => ({ id, capturedAt: '2026-11-20T00:00:00Z', urls: {} }) as unknown as Asset
  const pages: Record<string, Page<Asset>> = {
    first: { items: [asset('a'), asset('b')], nextCursor: 'second' },
    second: { items: [asset('c')], nextCursor: null },
  }
  const unfollow = changes.follow(({ updated }) => heard.push(...(updated ?? []).map(({ id }) => id)))
  const renewing = createRenewing({
    loadPage: async (cursor) => {
      loads += 1
      return pages[cursor ?? 'first'] ?? { items: [], nextCursor: null }
    },
    loaded: () => 3,
    refresh: async () => {
      refreshes += 1
    },
    life: 60_000,
    now: () => time,
  })
  return { renewing, heard, unfollow, pass: (ms: number) => (time += ms), counts: () => ({ loads, refreshes }) }
}

test('what was looked at lately is left alone', async () => {
  const { renewing, counts, pass, unfollow } = fixture()
  pass(59_000)
  renewing.woken()
  await renewing.settled()
  assert.deepEqual(counts(), { loads: 0, refreshes: 0 })
  unfollow()
})

test('a page seen again after a while gets all its addresses anew, once', async () => {
  const { renewing, heard, counts, pass, unfollow } = fixture()
  pass(61_000)
  renewing.woken()
  renewing.woken()
  await renewing.settled()
  assert.deepEqual(heard, ['a', 'b', 'c'])
  assert.deepEqual(counts(), { loads: 2, refreshes: 1 })
  unfollow()
})

test('a hundred pictures that do not come are one reason, and none again at once', async () => {
  const { renewing, counts, pass, unfollow } = fixture()
  pass(25_000)
  for (let picture = 0; picture < 100; picture += 1) renewing.failed()
  await renewing.settled()
  renewing.failed()
  await renewing.settled()
  assert.equal(counts().refreshes, 1)
  pass(25_000)
  renewing.failed()
  await renewing.settled()
  assert.equal(counts().refreshes, 2)
  unfollow()
})
