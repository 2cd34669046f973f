import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLimiter } from './limiter.ts'

const clock = () => {
  let seconds = 0
  return { now: () => new Date(seconds * 1000), pass: (more: number) => (seconds += more) }
}

test('a burst is allowed, then one attempt each interval', () => {
  const { now, pass } = clock()
  const limiter = createLimiter({ burst: 2, refillSeconds: 10, now })
  assert.equal(limiter.take('a').allowed, true)
  assert.equal(limiter.take('a').allowed, true)
  assert.deepEqual(limiter.take('a'), { allowed: false, retryAfter: 10, isFirst: true })
  pass(4)
  assert.deepEqual(limiter.take('a'), { allowed: false, retryAfter: 6, isFirst: false })
  pass(6)
  assert.equal(limiter.take('a').allowed, true)
  assert.deepEqual(limiter.take('a'), { allowed: false, retryAfter: 10, isFirst: true })
})

test('one key does not slow another', () => {
  const limiter = createLimiter({ burst: 1, refillSeconds: 10 })
  assert.equal(limiter.take('attacker').allowed, true)
  assert.equal(limiter.take('attacker').allowed, false)
  assert.equal(limiter.take('person').allowed, true)
})

test('an attempt given back counts no more', () => {
  const { now } = clock()
  const limiter = createLimiter({ burst: 1, refillSeconds: 10, now })
  for (let run = 0; run < 5; run++) {
    assert.equal(limiter.take('a').allowed, true)
    limiter.giveBack('a')
  }
})

test('memory is bounded: the key unused for longest is forgotten', () => {
  const { now } = clock()
  const limiter = createLimiter({ burst: 1, refillSeconds: 10, maxKeys: 2, now })
  limiter.take('a')
  limiter.take('b')
  limiter.take('a')
  limiter.take('c')
  assert.equal(limiter.take('a').allowed, false)
  assert.equal(limiter.take('b').allowed, true)
})
