import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createCalmClock, createPace, spokenSpan } from './pace.ts'

/** Feeds `seconds` of steady work in quarter seconds. */
function run(rate: (second: number) => { bytes: number; files: number }, seconds: number) {
  let at = 0
  const pace = createPace(() => at)
  const done = { bytes: 0, files: 0, sent: 0 }
  pace.update(done)
  for (let step = 1; step <= seconds * 4; step++) {
    at = step * 250
    const { bytes, files } = rate(at / 1000)
    done.bytes += bytes / 4
    done.sent += bytes / 4
    done.files += files / 4
    pace.update({ ...done })
  }
  return pace
}

const near = (actual: number | null, expected: number, share = 0.1) => {
  assert.ok(actual !== null && Math.abs(actual - expected) <= expected * share, `${actual} is not about ${expected}`)
}

describe('the pace of a queue', () => {
  it('says nothing before it has seen some seconds', () => {
    const pace = run(() => ({ bytes: 1e6, files: 1 }), 1)
    assert.equal(pace.bytesPerSecond, null)
    assert.equal(pace.secondsLeft({ bytes: 1e6, files: 1 }), null)
  })

  it('is right from then on', () => {
    const pace = run(() => ({ bytes: 1e6, files: 0.1 }), 3)
    near(pace.bytesPerSecond, 1e6)
    near(pace.secondsLeft({ bytes: 30e6, files: 3 }), 30)
  })

  it('does not jump when bytes come in bursts', () => {
    const pace = run((second) => ({ bytes: Math.floor(second) % 2 === 0 ? 2e6 : 0, files: 0.1 }), 20)
    near(pace.bytesPerSecond, 1e6, 0.2)
  })

  it('follows a network that became slower', () => {
    const pace = run((second) => ({ bytes: second <= 20 ? 8e6 : 1e6, files: 0.1 }), 50)
    near(pace.bytesPerSecond, 1e6, 0.2)
  })

  it('counts files where they are many and small', () => {
    const pace = run(() => ({ bytes: 100_000, files: 20 }), 10)
    near(pace.secondsLeft({ bytes: 10_000, files: 2000 }), 100)
  })

  it('knows no end while nothing moves', () => {
    const pace = run((second) => ({ bytes: second < 1 ? 0 : 0, files: 0 }), 5)
    assert.equal(pace.secondsLeft({ bytes: 1e6, files: 1 }), null)
  })

  it('does not count a rest', () => {
    let at = 0
    const pace = createPace(() => at)
    for (let second = 0; second <= 4; second++) {
      at = second * 1000
      pace.update({ bytes: second * 1e6, files: 0, sent: second * 1e6 })
    }
    pace.restart()
    at += 600_000
    pace.update({ bytes: 4e6, files: 0, sent: 4e6 })
    near(pace.bytesPerSecond, 1e6)
  })
})

describe('the time left', () => {
  it('counts down like a clock while estimates waver', () => {
    let at = 0
    const clock = createCalmClock(() => at)
    assert.equal(clock.show(100), 100)
    for (const [seconds, estimate] of [
      [1, 108],
      [2, 92],
      [3, 105],
      [4, 90],
    ] as const) {
      at = seconds * 1000
      assert.equal(clock.show(estimate), 100 - seconds)
    }
  })

  it('is corrected when it is wrong by much, but not every moment', () => {
    let at = 0
    const clock = createCalmClock(() => at)
    clock.show(100)
    at = 1000
    assert.equal(clock.show(300), 99)
    at = 4000
    assert.equal(clock.show(300), 300)
  })

  it('is said in steps that people use', () => {
    assert.deepEqual(spokenSpan(4), { unit: 'moment' })
    assert.deepEqual(spokenSpan(31), { unit: 'seconds', value: 40 })
    assert.deepEqual(spokenSpan(55), { unit: 'minutes', value: 1 })
    assert.deepEqual(spokenSpan(125), { unit: 'minutes', value: 3 })
    assert.deepEqual(spokenSpan(3600), { unit: 'hours', hours: 1, minutes: 0 })
    assert.deepEqual(spokenSpan(2 * 3600 + 61), { unit: 'hours', hours: 2, minutes: 10 })
  })
})
