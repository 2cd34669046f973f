import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planSizes } from './sizes.ts'

const all = ['thumb', 'small', 'preview', 'large'] as const
const plan = (width: number, height: number) =>
  planSizes({ width, height }, all).map((size) => `${size.name} ${size.width}x${size.height}`)

test('a large photo gets every size, by its long side', () => {
  assert.deepEqual(plan(4000, 3000), ['thumb 320x240', 'small 720x540', 'preview 1440x1080', 'large 2560x1920'])
  assert.deepEqual(plan(3000, 4000), ['thumb 240x320', 'small 540x720', 'preview 1080x1440', 'large 1920x2560'])
})

test('nothing is enlarged, and no size repeats the one below it', () => {
  assert.deepEqual(plan(100, 50), ['thumb 100x50'])
  assert.deepEqual(plan(320, 200), ['thumb 320x200'])
  assert.deepEqual(plan(500, 400), ['thumb 320x256', 'small 500x400'])
  assert.deepEqual(plan(1441, 100), ['thumb 320x22', 'small 720x50', 'preview 1440x100', 'large 1441x100'])
})

test('a line keeps one pixel', () => {
  assert.deepEqual(plan(1, 65_000), ['thumb 1x320', 'small 1x720', 'preview 1x1440', 'large 1x2560'])
  assert.deepEqual(plan(1, 1), ['thumb 1x1'])
})

test('only what was asked for is planned, by the same rule', () => {
  assert.deepEqual(
    planSizes({ width: 500, height: 400 }, ['thumb', 'large']).map(({ name }) => name),
    ['thumb'],
  )
})
