import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseRange } from './byte-ranges.ts'

const bound = fc.option(fc.nat(120), { nil: '' })
const spec = fc.tuple(bound, bound).map(([first, last]) => `${first}-${last}`)
const header = fc.oneof(
  fc.array(spec, { minLength: 1, maxLength: 20 }).map((specs) => `bytes=${specs.join(', ')}`),
  fc.string({ maxLength: 30 }).map((text) => `bytes=${text}`),
)

describe('parseRange', () => {
  it('answers what lies within the file, ascending, apart from each other and never a byte twice', () => {
    fc.assert(
      fc.property(header, fc.nat(100), (range, size) => {
        let end = -2
        for (const part of parseRange(range, size) ?? []) {
          assert.ok(part.start > end + 1 && part.start <= part.end && part.end < size)
          end = part.end
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('covers exactly the bytes that are asked for', () => {
    const pair = fc.tuple(fc.nat(30), fc.nat(30)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
    fc.assert(
      fc.property(fc.array(pair, { minLength: 1, maxLength: 8 }), fc.integer({ min: 1, max: 25 }), (pairs, size) => {
        const ranges = parseRange(`bytes=${pairs.map(([a, b]) => `${a}-${b}`).join(',')}`, size) ?? []
        for (let at = 0; at < 31; at++) {
          const isAskedFor = at < size && pairs.some(([a, b]) => a <= at && at <= b)
          assert.equal(
            ranges.some(({ start, end }) => start <= at && at <= end),
            isAskedFor,
          )
        }
      }),
    )
  })
})
