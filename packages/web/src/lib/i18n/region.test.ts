import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { countsIn, regionOf } from './region.ts'

describe('the region that numbers and dates are written for', () => {
  it('is the first of the language that the browser asks for', () => {
    assert.equal(regionOf('en', ['ko-KR', 'en-AU', 'en-US']), 'en-AU')
    assert.equal(regionOf('ko', ['en-GB', 'ko-KR']), 'ko-KR')
    assert.equal(regionOf('en', ['EN-gb']), 'EN-gb')
  })

  it('is that of the language alone where the browser asks for none of it', () => {
    assert.equal(regionOf('en', ['ko-KR']), 'en')
    assert.equal(regionOf('en', []), 'en')
    assert.equal(regionOf('en', ['en_US.UTF-8', 'english']), 'en')
  })
})

it('writes counts with the marks of the language', () => {
  assert.equal(countsIn('ko')(12_345), '12,345')
})
