import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { boxOf, movingOf, pictureOf } from './picture-source.ts'

const urls = {
  original: '/original',
  thumb: '/thumb',
  small: '/small',
  preview: '/preview',
  large: '/large' as string | null,
  avif: null,
  poster: null,
  video: null,
  hls: null,
  motion: null,
}
const photo = { contentType: 'image/jpeg', size: 4_000_000, width: 4032, height: 3024, animated: false, urls }
const plain = { avif: false }

describe('the files of an image', () => {
  test('are offered with their widths, the original last where a browser shows it', () => {
    assert.deepEqual(pictureOf(photo, plain), {
      src: '/preview',
      srcset: '/small 720w, /preview 1440w, /large 2560w, /original 4032w',
      width: 4032,
    })
  })

  test('of a tall one are as wide as its short side', () => {
    const tall = pictureOf({ ...photo, width: 1000, height: 4000 }, plain)
    assert.equal(tall?.srcset, '/small 180w, /preview 360w, /large 640w, /original 1000w')
  })

  test('leave out an original that browsers do not show, or that is too large to decode', () => {
    for (const other of [{ contentType: 'image/heic' }, { size: 80_000_000 }, { width: 16_000, height: 12_000 }]) {
      assert.equal(pictureOf({ ...photo, ...other }, plain)?.srcset.includes('/original'), false)
    }
  })

  test('of a small one are each offered once', () => {
    const small = { ...photo, width: 150, height: 103, urls: { ...urls, small: '/one', preview: '/one', large: null } }
    assert.deepEqual(pictureOf(small, plain), { src: '/one', srcset: '', width: 150 })
  })

  test('are AVIF where that was made and is understood', () => {
    const avif = { thumb: null, small: '/small.avif', preview: '/preview.avif', large: null }
    const both = { ...photo, contentType: 'image/heic', urls: { ...urls, avif } }
    assert.equal(pictureOf(both, { avif: true })?.srcset, '/small.avif 720w, /preview.avif 1440w, /large 2560w')
    assert.equal(pictureOf(both, { avif: true })?.src, '/preview.avif')
    assert.equal(pictureOf(both, plain)?.src, '/preview')
  })

  test('are none while nothing is made', () => {
    const none = { ...urls, thumb: null, small: null, preview: null, large: null }
    assert.equal(pictureOf({ ...photo, contentType: 'image/heic', urls: none }, plain), null)
    assert.equal(pictureOf({ ...photo, contentType: 'image/heic', urls: { ...none, thumb: '/t' } }, plain)?.src, '/t')
  })

  test('move where the original does and browsers play it', () => {
    assert.equal(movingOf({ ...photo, contentType: 'image/gif', animated: true }), '/original')
    assert.equal(movingOf({ ...photo, contentType: 'image/heic', animated: true }), null)
    assert.equal(movingOf(photo), null)
  })
})

describe('the size at full zoom', () => {
  test('is that of the picture, small ones not enlarged', () => {
    assert.deepEqual(boxOf({ ratio: 1, kind: 'image' }, photo, pictureOf(photo, plain)), { width: 4032, height: 3024 })
    const small = { ...photo, width: 150, height: 100 }
    assert.deepEqual(boxOf({ ratio: 1.5, kind: 'image' }, small, pictureOf(small, plain)), { width: 150, height: 100 })
  })

  test('goes little beyond the pixels there are', () => {
    const heic = { ...photo, contentType: 'image/heic', width: 16_000, height: 12_000 }
    assert.deepEqual(boxOf({ ratio: 4 / 3, kind: 'image' }, heic, pictureOf(heic, plain)), {
      width: 3840,
      height: 2880,
    })
  })

  test('of what is not known yet, and of a video, has its ratio and fills the screen', () => {
    assert.deepEqual(boxOf({ ratio: 2, kind: 'image' }, null, null), { width: 8192, height: 4096 })
    const film = { ...photo, width: 160, height: 320 }
    assert.deepEqual(boxOf({ ratio: 1, kind: 'video' }, film, null), { width: 4096, height: 8192 })
  })
})
