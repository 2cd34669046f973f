import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pictureOf } from './picture.ts'

test('both sizes are offered by their true widths, with the width of the tile', () => {
  assert.deepEqual(pictureOf({ ratio: 0.75, thumb: '/t', small: '/s' }), {
    src: '/t',
    srcset: '/t 240w, /s 540w',
    sizes: '(max-width: 599px) 68px, (max-width: 1199px) 126px, 156px',
  })
  assert.equal(pictureOf({ ratio: 3, thumb: '/t', small: '/s' })?.srcset, '/t 320w, /s 720w')
})

test('one size needs no choice, and none is no picture', () => {
  assert.deepEqual(pictureOf({ ratio: 1, thumb: '/t', small: '/t' }), {
    src: '/t',
    srcset: undefined,
    sizes: undefined,
  })
  assert.equal(pictureOf({ ratio: 1, thumb: null, small: '/s' }), null)
})
