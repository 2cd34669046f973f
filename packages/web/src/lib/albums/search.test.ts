import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matches } from './search.ts'

test('titles are found by their words, in any order, case and accent', () => {
  assert.ok(matches('Summer in Málaga', 'malaga SUM'))
  assert.ok(matches('Summer', ''))
  assert.ok(!matches('Summer', 'winter'))
})

test('a Korean syllable is found while it is typed', () => {
  assert.ok(matches('제주도 여행', '여행'))
  for (const typed of ['ㅈ', '제', '제주ㄷ', '제주도 여']) assert.ok(matches('제주도 여행', typed), typed)
  assert.ok(!matches('제주도 여행', '부산'))
})
