import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createAdaptiveLimiter, type Permit } from './limiter.ts'

const never = new AbortController().signal

/** Runs parts of one megabyte through the limiter, on a network that carries `capacity` of them a second at best. */
async function simulate(capacity: number, windows: number): Promise<number> {
  let clock = 0
  const limiter = createAdaptiveLimiter({ initial: 2, max: 32, now: () => clock })
  for (let round = 0; round < windows; round++) {
    const permits: Permit[] = []
    for (let index = 0; index < limiter.limit; index++) permits.push(await limiter.acquire(never))
    const waiting = limiter.acquire(never)
    // One part alone takes a second; more of them share what the network carries.
    clock += Math.max(1000, (permits.length / capacity) * 1000)
    for (const permit of permits) permit.release(1_000_000)
    const next = await waiting
    next.release(0)
  }
  return limiter.limit
}

describe('the adaptive limit', () => {
  it('rises while more at once bring more, and then hardly any further', async () => {
    const limit = await simulate(8, 40)
    assert.ok(limit >= 8 && limit <= 20, `${limit}`)
  })

  it('is halved by an overload, once for failures that come together', async () => {
    let clock = 10_000
    const limiter = createAdaptiveLimiter({ initial: 8, max: 8, now: () => clock })
    const permits = await Promise.all(Array.from({ length: 8 }, () => limiter.acquire(never)))
    for (const permit of permits) permit.overloaded()
    assert.equal(limiter.limit, 4)
    clock += 2000
    const later = await limiter.acquire(never)
    later.overloaded()
    assert.equal(limiter.limit, 2)
  })

  it('never lets more in than it says, and lets go of who stops waiting', async () => {
    const limiter = createAdaptiveLimiter({ initial: 1, max: 1, now: () => 0 })
    const first = await limiter.acquire(never)
    const impatient = new AbortController()
    const second = limiter.acquire(impatient.signal)
    const third = limiter.acquire(never)
    impatient.abort(new Error('enough'))
    await assert.rejects(second, /enough/)
    assert.equal(limiter.active, 1)
    first.release(1)
    first.release(1)
    await third
    assert.equal(limiter.active, 1)
  })
})
