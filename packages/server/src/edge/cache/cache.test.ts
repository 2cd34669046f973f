import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ObjectStoreError } from '../../engines/object-store/index.ts'
import { type ByteReader, readAll } from '../byte-reader.ts'
import { eventually } from '../test-edge.ts'
import type { EdgeCache } from './index.ts'
import { startTestOrigin } from './test-origin.ts'

const key = 'originals/one'

async function read(cache: EdgeCache, name = key, range?: { start: number; end: number }): Promise<Buffer> {
  const info = await cache.head(name)
  assert.ok(info !== null, `${name} is there`)
  const { start, end } = range ?? { start: 0, end: info.size - 1 }
  return readAll(await cache.open(info, { start, end }), end - start + 1)
}

/** The first piece, with the reader left open. */
async function firstOf(reader: ByteReader): Promise<Buffer> {
  const into = Buffer.alloc(65_536)
  return into.subarray(0, await reader.read(into))
}

describe('the cache of the edge', () => {
  it('reads an object from the store once, and from the disk from then on', async () => {
    await using origin = await startTestOrigin()
    const bytes = randomBytes(250_000)
    await origin.keep(key, bytes)
    const cache = origin.openCache()
    for (let turn = 0; turn < 3; turn++) assert.deepEqual(await read(cache), bytes)
    assert.equal(origin.heads, 1)
    assert.deepEqual(origin.gets, [
      { start: 0, end: 99_999 },
      { start: 100_000, end: 199_999 },
      { start: 200_000, end: 249_999 },
    ])
  })

  it('gives any range exactly, whatever of it is there already', async () => {
    await using origin = await startTestOrigin()
    const bytes = randomBytes(250_000)
    await origin.keep(key, bytes)
    const cache = origin.openCache()
    const bound = fc.nat(bytes.length - 1)
    await fc.assert(
      fc.asyncProperty(bound, bound, async (a, b) => {
        const range = { start: Math.min(a, b), end: Math.max(a, b) }
        assert.deepEqual(await read(cache, key, range), bytes.subarray(range.start, range.end + 1))
      }),
      { numRuns: 30 },
    )
  })

  it('reads of a large object only the blocks that are asked for', async () => {
    await using origin = await startTestOrigin()
    await origin.keep(key, randomBytes(950_000))
    const cache = origin.openCache()
    await read(cache, key, { start: 910_000, end: 910_010 })
    assert.deepEqual(origin.gets, [{ start: 900_000, end: 949_999 }])
  })

  it('asks the store once for many who want the same, and lets them follow while it comes', async () => {
    await using origin = await startTestOrigin()
    const bytes = randomBytes(100_000)
    await origin.keep(key, bytes)
    origin.isHolding = true
    const cache = origin.openCache()
    const infos = await Promise.all(Array.from({ length: 50 }, () => cache.head(key)))
    const opening = infos.map((info) => {
      assert.ok(info !== null)
      return cache.open(info, { start: 0, end: info.size - 1 })
    })
    await eventually(() => origin.held.length > 0)
    origin.held[0]?.send(10)
    const streams = await Promise.all(opening)
    // Before the fill ends.
    for (const chunk of await Promise.all(streams.map(firstOf))) assert.deepEqual(chunk, bytes.subarray(0, 10))
    origin.held[0]?.send()
    for (const rest of await Promise.all(streams.map((stream) => readAll(stream, 99_990))))
      assert.deepEqual(rest, bytes.subarray(10))
    assert.deepEqual([origin.heads, origin.gets.length], [1, 1])
  })

  it('fails everyone who follows when the store dies midway, and keeps nothing', async () => {
    await using origin = await startTestOrigin()
    await origin.keep(key, randomBytes(100_000))
    origin.isHolding = true
    const cache = origin.openCache()
    const info = await cache.head(key)
    assert.ok(info !== null)
    const opening = Array.from({ length: 5 }, () => cache.open(info, { start: 0, end: info.size - 1 }))
    await eventually(() => origin.held.length > 0)
    origin.held[0]?.send(50_000)
    const endings = (await Promise.all(opening)).map((stream) =>
      assert.rejects(readAll(stream, 100_000), /the origin is gone/),
    )
    origin.held[0]?.breakOff()
    await Promise.all(endings)
    await eventually(async () => (await origin.cacheFiles()).every((name) => name.endsWith('.info')))
    origin.isHolding = false
    assert.equal((await read(cache)).length, 100_000)
    assert.deepEqual(origin.errors, [])
  })

  it('takes a short answer of the store for a failure', async () => {
    await using origin = await startTestOrigin()
    await origin.keep(key, randomBytes(50_000))
    const short: typeof origin.store.get = async (name) => origin.store.get(name, { range: { start: 0, end: 9 } })
    const cache = origin.openCache({ store: { ...origin.store, get: short } })
    await assert.rejects(read(cache), /sent 10 of 50000/)
    assert.equal((await origin.cacheFiles()).length, 1)
  })

  it('rejects before the first byte when the store refuses', async () => {
    await using origin = await startTestOrigin()
    await origin.keep(key, randomBytes(50_000))
    const cache = origin.openCache()
    const info = await cache.head(key)
    assert.ok(info !== null)
    origin.failure = new ObjectStoreError('unavailable', 'no answer')
    await assert.rejects(cache.open(info, { start: 0, end: 9 }), { code: 'unavailable' })
  })

  describe('when clients leave', () => {
    it('ends the read when the last one left early', async () => {
      await using origin = await startTestOrigin()
      await origin.keep(key, randomBytes(100_000))
      origin.isHolding = true
      const cache = origin.openCache()
      const info = await cache.head(key)
      assert.ok(info !== null)
      const opening = [0, 1].map(() => cache.open(info, { start: 0, end: info.size - 1 }))
      await eventually(() => origin.held.length > 0)
      const [held] = origin.held
      held?.send(10)
      const [one, other] = await Promise.all(opening)
      await one?.close()
      assert.ok(other !== undefined)
      assert.equal((await firstOf(other)).length, 10)
      assert.equal(held?.isEnded, false)
      await other.close()
      await eventually(() => held?.isEnded === true)
      await eventually(async () => (await origin.cacheFiles()).length === 1)
    })

    it('also when it never got a byte', async () => {
      await using origin = await startTestOrigin()
      await origin.keep(key, randomBytes(100_000))
      const gone = new AbortController()
      const asked = Promise.withResolvers<AbortSignal | undefined>()
      const silent: typeof origin.store.get = (_key, options) => {
        asked.resolve(options?.signal)
        return new Promise((_resolve, reject) =>
          options?.signal?.addEventListener('abort', () => reject(new Error('ended'))),
        )
      }
      const cache = origin.openCache({ store: { ...origin.store, get: silent } })
      const info = await cache.head(key)
      assert.ok(info !== null)
      const opening = cache.open(info, { start: 0, end: 9 }, gone.signal)
      const signal = await asked.promise
      gone.abort()
      await assert.rejects(opening)
      assert.equal(signal?.aborted, true)
    })

    it('finishes what is nearly there', async () => {
      await using origin = await startTestOrigin()
      await origin.keep(key, randomBytes(100_000))
      origin.isHolding = true
      const cache = origin.openCache()
      const info = await cache.head(key)
      assert.ok(info !== null)
      const opening = cache.open(info, { start: 0, end: info.size - 1 })
      await eventually(() => origin.held.length > 0)
      origin.held[0]?.send(60_000)
      const stream = await opening
      for (let came = 0; came < 60_000; ) came += (await firstOf(stream)).length
      await stream.close()
      origin.held[0]?.send()
      await eventually(async () => (await cache.pathOf(info)) !== null)
    })
  })

  describe('after a deletion', () => {
    it('serves nothing any more where the deleting process uses the folder, and keeps nothing', async () => {
      await using origin = await startTestOrigin()
      await origin.keep(key, randomBytes(250_000))
      const [cache, sameFolder] = [origin.openCache(), origin.openCache()]
      await read(cache)
      await read(sameFolder)
      await origin.settled()
      await origin.purging.delete(key)
      assert.equal(await cache.head(key), null)
      assert.equal(await sameFolder.head(key), null)
      assert.deepEqual(await origin.cacheFiles(), [])
    })

    it('serves nothing after the stated time where no purge reaches it', async () => {
      await using origin = await startTestOrigin()
      let time = Date.parse('2026-11-20T12:00:00Z')
      const cache = origin.openCache({ now: () => new Date(time) })
      await origin.keep(key, randomBytes(10))
      await read(cache)
      await origin.store.delete(key)
      time += 29_999
      assert.notEqual(await cache.head(key), null)
      time += 1
      assert.equal(await cache.head(key), null)
      assert.deepEqual(await origin.cacheFiles(), [])
    })

    it('counts that time from when the store was asked, however slowly it answers', async () => {
      await using origin = await startTestOrigin()
      let time = Date.parse('2026-11-20T12:00:00Z')
      await origin.keep(key, randomBytes(10))
      const slow: typeof origin.store.head = async (name) => {
        const info = await origin.store.head(name)
        time += 20_000
        return info
      }
      const cache = origin.openCache({ store: { ...origin.store, head: slow }, now: () => new Date(time) })
      await cache.head(key)
      time += 10_000
      await cache.head(key)
      assert.equal(origin.heads, 2)
    })

    it('keeps nothing of an object that is deleted while it comes', async () => {
      await using origin = await startTestOrigin()
      await origin.keep(key, randomBytes(100_000))
      origin.isHolding = true
      const cache = origin.openCache()
      const reading = read(cache)
      await eventually(() => origin.held.length > 0)
      origin.held[0]?.send(60_000)
      await origin.purging.delete(key)
      origin.held[0]?.send()
      // Who had begun gets the rest, as from a file that is open while it is deleted.
      assert.equal((await reading).length, 100_000)
      assert.equal(await cache.head(key), null)
      await eventually(async () => (await origin.cacheFiles()).length === 0)
    })

    it('does not believe an answer that the store gave before it', async () => {
      await using origin = await startTestOrigin()
      await origin.keep(key, randomBytes(10))
      const answered = Promise.withResolvers<void>()
      const arrives = Promise.withResolvers<void>()
      let isFirst = true
      const late: typeof origin.store.head = async (name) => {
        const info = await origin.store.head(name)
        if (isFirst) {
          isFirst = false
          answered.resolve()
          await arrives.promise
        }
        return info
      }
      const cache = origin.openCache({ store: { ...origin.store, head: late } })
      const asking = cache.head(key)
      await answered.promise
      await origin.purging.delete(key)
      arrives.resolve()
      assert.equal(await asking, null)
      assert.deepEqual(await origin.cacheFiles(), [])
    })

    it('never gives the bytes of an object that is gone to who asks for another under its key', async () => {
      await using origin = await startTestOrigin()
      let time = Date.now()
      const cache = origin.openCache({ now: () => new Date(time) })
      await origin.keep(key, Buffer.from('before'))
      await read(cache)
      await origin.store.delete(key)
      await origin.keep(key, Buffer.from('after.'))
      time += 60_000
      assert.equal((await read(cache)).toString(), 'after.')
    })

    it('reports a purge that failed, so that the deletion is tried again', async () => {
      await using origin = await startTestOrigin()
      await origin.keep(key, randomBytes(10))
      await read(origin.openCache())
      await origin.settled()
      const [info = ''] = (await origin.cacheFiles()).filter((name) => name.endsWith('.info'))
      const path = join(origin.cacheFolder, info.slice(0, 2), info)
      // A folder cannot be unlinked, by root neither.
      await rm(path)
      await mkdir(path)
      await assert.rejects(origin.purging.delete(key))
      await rm(path, { recursive: true })
      await origin.purging.delete(key)
      assert.deepEqual(await origin.cacheFiles(), [])
    })
  })

  it('never answers from the disk when the store cannot be asked in time', async () => {
    await using origin = await startTestOrigin()
    await origin.keep(key, randomBytes(10))
    const cache = origin.openCache({ maxAge: 0 })
    await read(cache)
    origin.failure = new ObjectStoreError('unavailable', 'no answer')
    await assert.rejects(cache.head(key), { code: 'unavailable' })
  })

  it('holds to its limit, and lets go what was used longest ago', async () => {
    await using origin = await startTestOrigin()
    let time = Date.now()
    const limit = 2_000_000
    const cache = origin.openCache({ limit, now: () => new Date(time) })
    for (let number = 0; number < 40; number++) {
      await origin.keep(`originals/n${number}`, randomBytes(90_000))
      time += 61_000
      await read(cache, `originals/n${number}`)
      await origin.settled()
      // In use all the time.
      await read(cache, 'originals/n0')
      await cache.settle()
    }
    const sizes = await Promise.all(
      (await readdir(origin.cacheFolder, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size),
    )
    const held = sizes.reduce((sum, size) => sum + size, 0)
    assert.ok(held <= limit && held > limit / 2, `${held} bytes`)
    const before = origin.gets.length
    await read(cache, 'originals/n0')
    await read(cache, 'originals/n39')
    assert.equal(origin.gets.length, before)
    await read(cache, 'originals/n1')
    assert.equal(origin.gets.length, before + 1)
  })

  it('lets a file go that is being read without harm', async () => {
    await using origin = await startTestOrigin()
    const bytes = randomBytes(100_000)
    await origin.keep(key, bytes)
    const cache = origin.openCache()
    await read(cache)
    await origin.settled()
    const info = await cache.head(key)
    assert.ok(info !== null)
    const stream = await cache.open(info, { start: 0, end: info.size - 1 })
    await rm(origin.cacheFolder, { recursive: true })
    assert.deepEqual(await readAll(stream, bytes.length), bytes)
    assert.deepEqual(await read(cache), bytes)
  })

  it('is what it was after a restart, without what was half-written', async () => {
    await using origin = await startTestOrigin()
    const bytes = randomBytes(250_000)
    await origin.keep(key, bytes)
    await read(origin.openCache())
    await origin.settled()
    const [name = ''] = (await origin.cacheFiles()).filter((file) => file.endsWith('.0'))
    // As a process that was killed in another life of this machine leaves it.
    const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 12)
    const left = `${name}~${host}-1-${'0'.repeat(12)}-00-1`
    await writeFile(join(origin.cacheFolder, name.slice(0, 2), left), 'half')
    origin.gets = []
    origin.heads = 0
    const restarted = origin.openCache()
    await restarted.settle()
    assert.deepEqual(await read(restarted), bytes)
    assert.deepEqual([origin.heads, origin.gets.length], [0, 0])
    assert.ok((await origin.cacheFiles()).every((file) => !file.includes('~')))
  })

  it('reads again what a power cut made shorter, or nonsense', async () => {
    await using origin = await startTestOrigin()
    const bytes = randomBytes(50_000)
    await origin.keep(key, bytes)
    const cache = origin.openCache()
    await read(cache)
    await origin.settled()
    for (const name of await origin.cacheFiles()) await truncate(join(origin.cacheFolder, name.slice(0, 2), name), 20)
    assert.deepEqual(await read(origin.openCache()), bytes)
    assert.equal(origin.gets.length, 2)
  })

  it('sends from the store what a failing disk does not give, without a client noticing', async () => {
    await using origin = await startTestOrigin()
    const bytes = randomBytes(250_000)
    await origin.keep(key, bytes)
    const cache = origin.openCache()
    // A file where a folder should be: nothing can be read or written below it.
    for (let shard = 0; shard < 256; shard++) {
      await writeFile(join(origin.cacheFolder, shard.toString(16).padStart(2, '0')), '')
    }
    assert.deepEqual(await read(cache), bytes)
    assert.deepEqual(await read(cache, key, { start: 120_000, end: 220_000 }), bytes.subarray(120_000, 220_001))
    assert.equal(origin.errors.length, 1)
  })

  it('gives sendfile a path only of an object that is there whole, dated as the object', async () => {
    await using origin = await startTestOrigin()
    const bytes = randomBytes(50_000)
    await origin.keep(key, bytes)
    await origin.keep('originals/large', randomBytes(150_000))
    const cache = origin.openCache()
    const info = await cache.head(key)
    const large = await cache.head('originals/large')
    assert.ok(info !== null && large !== null)
    assert.equal(await cache.pathOf(info), null)
    await read(cache)
    await read(cache, 'originals/large')
    await origin.settled()
    const path = await cache.pathOf(info)
    assert.ok(path !== null)
    assert.deepEqual(await readFile(path), bytes)
    assert.equal((await stat(path)).mtime.toUTCString(), info.lastModified.toUTCString())
    assert.equal(await cache.pathOf(large), null)
  })
})
