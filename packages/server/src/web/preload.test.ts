import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { eagerPictures, pictureOf } from '../../../web/src/lib/grid/picture.ts'
import type { TimelineItem } from '../timeline/index.ts'
import { preload, preloadFirstRow } from './preload.ts'

const item = (part: Partial<TimelineItem>): TimelineItem => ({
  id: '0199',
  takenAt: '2026-11-03T10:20:30.000',
  ratio: 1,
  kind: 'image',
  duration: null,
  favorite: false,
  state: 'ready',
  motion: false,
  animated: false,
  thumbhash: null,
  thumb: null,
  small: null,
  ...part,
})

function attributesOf(link: string): Record<string, string> {
  const text = (value: string) =>
    value
      .replaceAll('&quot;', '"')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&#39;', "'")
      .replaceAll('&amp;', '&')
  return Object.fromEntries(
    [...link.matchAll(/([a-z]+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, text(value)]),
  )
}

describe('a preload', () => {
  it('names the files that the grid of the site asks for', () => {
    const url = fc.webUrl({ withQueryParameters: true })
    const ratio = fc.oneof(fc.double({ min: 0.01, max: 40, noNaN: true }), fc.constantFrom(1, 4 / 3, 3 / 4, 16 / 9))
    fc.assert(
      fc.property(ratio, url, fc.option(url), (ratio, thumb, small) => {
        const picture = pictureOf({ ratio, thumb, small })
        const { href, imagesrcset, imagesizes, fetchpriority } = attributesOf(preload({ ratio, thumb, small }))
        assert.deepEqual(
          { src: href, srcset: imagesrcset, sizes: imagesizes },
          { src: picture?.src, srcset: picture?.srcset, sizes: picture?.sizes },
        )
        assert.equal(fetchpriority, 'high')
      }),
    )
  })

  it('is written for as many as the grid loads at once, and for none without a picture', () => {
    const items = Array.from({ length: 20 }, (_, index) =>
      item({ thumb: index === 1 ? null : `https://a.example/${index}` }),
    )
    const head = preloadFirstRow({ months: [], first: { month: '2026-11', items } })
    assert.equal(head.match(/<link/g)?.length, eagerPictures - 1)
    assert.equal(preloadFirstRow(null), '')
  })
})
