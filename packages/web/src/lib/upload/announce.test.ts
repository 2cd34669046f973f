import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createAnnouncer } from './announce.ts'

it('a long upload is told by its tenths, each once and never in a rush', () => {
  let at = 0
  const announcer = createAnnouncer(() => at)
  const said: number[] = []
  for (let percent = 0; percent <= 100; percent++) {
    at += percent < 50 ? 1000 : 100
    const now = announcer.hear(percent / 100)
    if (now !== null) said.push(now)
  }
  assert.deepEqual(said, [10, 20, 30, 40, 50])
  assert.equal(announcer.hear(null), null)
  at += 10_000
  assert.equal(announcer.hear(0.11), 10)
})
