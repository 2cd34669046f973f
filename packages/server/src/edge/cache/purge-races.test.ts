/** Reads and deletions in every order that chance brings, by two processes' worth of caches on one folder. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { readAll } from '../byte-reader.ts'
import type { EdgeCache } from './index.ts'
import { startTestOrigin } from './test-origin.ts'

/** The bytes of an object follow from its key, so that nothing of another can pass for them. */
function bytesOf(key: string): Buffer {
  const block = createHash('sha256').update(key).digest()
  return Buffer.concat(Array.from({ length: 800 }, () => block)).subarray(0, 25_001)
}

const step = fc.record({
  act: fc.constantFrom('read', 'read', 'read', 'delete'),
  cache: fc.nat(1),
  key: fc.nat(4),
  pause: fc.nat(6),
})

it('whatever the order, bytes are right, and after a deletion nobody who comes gets any', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
      await using origin = await startTestOrigin()
      const keys = Array.from({ length: 5 }, (_, index) => `originals/n${index}`)
      for (const key of keys) await origin.keep(key, bytesOf(key))
      const caches = [0, 1].map(() => origin.openCache({ blockSize: 10_000 }))
      const gone = new Set<string>()

      async function read(cache: EdgeCache, key: string): Promise<void> {
        const wasGone = gone.has(key)
        const info = await cache.head(key)
        if (wasGone) assert.equal(info, null)
        if (info === null) return
        try {
          const got = await readAll(await cache.open(info, { start: 0, end: info.size - 1 }), info.size)
          assert.ok(got.equals(bytesOf(key)))
        } catch (error) {
          // Deleted while it was read; nothing else may fail.
          assert.ok(error instanceof Error && 'code' in error && error.code === 'not-found', String(error))
        }
      }

      const running: Promise<void>[] = []
      for (const { act, cache, key: index, pause } of steps) {
        const key = keys[index] ?? ''
        const [chosen = caches[0]] = caches.slice(cache)
        assert.ok(chosen !== undefined)
        if (act === 'read') running.push(read(chosen, key))
        else running.push(origin.purging.delete(key).then(() => void gone.add(key)))
        for (let waited = 0; waited < pause; waited++) await turn()
      }
      await Promise.all(running)
      assert.deepEqual(origin.errors, [])

      // Nothing is left of what is gone, and no fill is left open.
      for (const key of gone) {
        for (const cache of caches) assert.equal(await cache.head(key), null)
      }
      await origin.settled()
      const left = new Set((await origin.cacheFiles()).map((name) => name.slice(0, 40)))
      for (const key of gone) assert.equal(left.has(createHash('sha256').update(key).digest('hex').slice(0, 40)), false)
    }),
    { numRuns: 20 },
  )
})
