import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exposureParts, megapixels } from './camera.ts'

const nothing = { exposureTime: null, fNumber: null, iso: null, focalLength: null, focalLength35: null }

test('an exposure is written as on a camera', () => {
  assert.deepEqual(
    exposureParts(
      { exposureTime: 0.004, fNumber: 1.7799999713897705, iso: 100, focalLength: 5.7, focalLength35: 26 },
      'en',
    ),
    ['1/250 s', 'f/1.8', 'ISO 100', '26 mm'],
  )
})

test('long exposures are told in seconds, short ones as a part of one', () => {
  const times: [number, string][] = [
    [30, '30 s'],
    [0.5, '0.5 s'],
    [0.25, '1/4 s'],
    [1 / 8000, '1/8000 s'],
  ]
  for (const [exposureTime, written] of times) {
    assert.deepEqual(exposureParts({ ...nothing, exposureTime }, 'en'), [written])
  }
})

test('what is unknown or nonsense is left out', () => {
  assert.deepEqual(exposureParts({ ...nothing, iso: 0, fNumber: Number.NaN, focalLength: 50 }, 'en'), ['50 mm'])
})

test('megapixels are rounded as they are sold', () => {
  assert.equal(megapixels(4032, 3024, 'en'), '12')
  assert.equal(megapixels(1920, 1080, 'en'), '2.1')
  assert.equal(megapixels(100, 100, 'en'), null)
})
