/**
 * What every object store must do, as tests. Each store's own test file runs this suite against a real one; what is
 * particular to a store is tested there.
 */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type ObjectKey, type ObjectStore, ObjectStoreError, type ObjectStoreErrorCode } from './object-store.ts'

const contentType = 'application/octet-stream'
const mebibyte = 1024 ** 2

export const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()
export const randomKey = (folder = 'originals'): ObjectKey => `${folder}/${randomBytes(16).toString('hex')}`

/** A body in chunks as they come from a socket. */
export function bodyOf(bytes: Uint8Array, chunkSize = 65_536): Readable {
  const chunks: Uint8Array[] = []
  for (let start = 0; start < bytes.byteLength; start += chunkSize)
    chunks.push(bytes.subarray(start, start + chunkSize))
  return Readable.from(chunks, { objectMode: false })
}

/** A body that gives these bytes and then nothing: neither more nor an end. */
export function endlessBody(bytes: Uint8Array): Readable {
  const body = new Readable({ read: () => undefined })
  body.push(bytes)
  return body
}

export async function assertCode(work: Promise<unknown>, code: ObjectStoreErrorCode): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof ObjectStoreError, `${error} is no ObjectStoreError`)
    assert.equal(error.code, code)
    return true
  })
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

export async function read(store: ObjectStore, key: ObjectKey): Promise<Buffer> {
  return buffer((await store.get(key)).body)
}

/** Two parts, the first as small as the store allows. */
async function putTwoParts(store: ObjectStore, key: ObjectKey) {
  const first = randomBytes(Math.max(store.minPartSize, mebibyte))
  const second = randomBytes(1_234)
  const uploadId = await store.createMultipart(key, { contentType })
  await store.putPart(key, uploadId, 2, bodyOf(second), { size: second.byteLength })
  await store.putPart(key, uploadId, 1, bodyOf(first), { size: first.byteLength })
  return { uploadId, bytes: Buffer.concat([first, second]), second }
}

export function describeObjectStore(name: string, makeStore: () => Promise<ObjectStore>, skip: string | false): void {
  describe(`the contract of an object store: ${name}`, { skip }, () => {
    let store: ObjectStore
    before(async () => {
      store = await makeStore()
    })
    after(async () => {
      await store?.close()
    })

    describe('put', () => {
      for (const size of [0, 1, 65_536, 3 * mebibyte + 7]) {
        it(`keeps ${size} bytes and tells their SHA-256, size and entity tag`, async () => {
          const bytes = randomBytes(size)
          const key = randomKey()
          const stored = await store.put(key, bodyOf(bytes), { contentType, size })
          assert.equal(stored.size, size)
          assert.deepEqual(Buffer.from(stored.sha256), sha256(bytes))
          assert.match(stored.etag, /^"[^"]+"$/)
          assert.deepEqual(await read(store, key), bytes)
          const info = await store.head(key)
          assert.equal(info?.etag, stored.etag)
          assert.equal(info?.size, size)
          assert.deepEqual(Buffer.from((await store.attestedSha256(key)) ?? []), sha256(bytes))
        })
      }

      for (const size of [0, 70_000, 17 * mebibyte + 5]) {
        it(`keeps ${size} bytes whose number was not known before`, async () => {
          const bytes = randomBytes(size)
          const key = randomKey()
          const stored = await store.put(key, bodyOf(bytes), { contentType })
          assert.equal(stored.size, size)
          assert.deepEqual(Buffer.from(stored.sha256), sha256(bytes))
          assert.deepEqual(await read(store, key), bytes)
        })
      }

      it('never overwrites', async () => {
        const key = randomKey()
        const first = randomBytes(100_000)
        await store.put(key, bodyOf(first), { contentType, size: first.byteLength })
        await assertCode(store.put(key, bodyOf(randomBytes(100_000)), { contentType, size: 100_000 }), 'exists')
        await assertCode(store.put(key, bodyOf(randomBytes(10)), { contentType }), 'exists')
        assert.deepEqual(await read(store, key), first)
      })

      it('lets one of many writers of the same key win', async () => {
        const key = randomKey()
        const bodies = Array.from({ length: 8 }, () => randomBytes(80_000))
        const results = await Promise.allSettled(
          bodies.map((bytes) => store.put(key, bodyOf(bytes), { contentType, size: bytes.byteLength })),
        )
        const winner = results.findIndex((result) => result.status === 'fulfilled')
        assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1)
        assert.deepEqual(await read(store, key), bodies[winner])
      })

      it('leaves nothing of a body that ends early, runs over, is too large or has another checksum', async () => {
        const bytes = randomBytes(200_000)
        const wrong = { algorithm: 'sha-256', value: sha256(randomBytes(1)) } as const
        const wrongMd5 = { algorithm: 'md5', value: randomBytes(16) } as const
        const cases = [
          [{ size: 200_001 }, 'size-mismatch'],
          [{ size: 199_999 }, 'size-mismatch'],
          [{ size: 10 }, 'size-mismatch'],
          [{ maxSize: 100_000 }, 'too-large'],
          [{ size: 200_000, digest: wrong }, 'checksum-mismatch'],
          [{ size: 200_000, digest: wrongMd5 }, 'checksum-mismatch'],
          [{ digest: wrong }, 'checksum-mismatch'],
        ] as const
        for (const [options, code] of cases) {
          const key = randomKey()
          await assertCode(store.put(key, bodyOf(bytes), { contentType, ...options }), code)
          assert.equal(await store.head(key), null)
        }
      })

      it('accepts the right checksum', async () => {
        const bytes = randomBytes(150_000)
        const md5 = createHash('md5').update(bytes).digest()
        for (const digest of [
          { algorithm: 'sha-256', value: sha256(bytes) },
          { algorithm: 'md5', value: md5 },
        ] as const) {
          const key = randomKey()
          await store.put(key, bodyOf(bytes), { contentType, size: bytes.byteLength, digest })
          assert.deepEqual(await read(store, key), bytes)
        }
      })

      for (const size of [1_000_000, undefined]) {
        const length = size === undefined ? 'of unknown size' : 'of known size'
        it(`leaves nothing of a body ${length} that fails, breaks off or is aborted`, async () => {
          const options = { contentType, ...(size !== undefined && { size }) }
          const failing = endlessBody(randomBytes(300_000))
          const failed = randomKey()
          const put = store.put(failed, failing, options)
          await delay(20)
          failing.destroy(new Error('the line went dead'))
          await assert.rejects(put, /the line went dead/)
          assert.equal(await store.head(failed), null)

          const broken = endlessBody(randomBytes(300_000))
          const brokenPut = store.put(randomKey(), broken, options)
          await delay(20)
          broken.destroy()
          await assertCode(brokenPut, 'size-mismatch')

          const abort = new AbortController()
          const body = endlessBody(randomBytes(300_000))
          const aborted = randomKey()
          const abortedPut = store.put(aborted, body, { ...options, signal: abort.signal })
          await delay(20)
          abort.abort(new Error('changed my mind'))
          await assert.rejects(abortedPut, /changed my mind/)
          assert.equal(body.destroyed, false)
          assert.equal(await store.head(aborted), null)
        })
      }

      it('refuses keys that are none, before anything is read', async () => {
        const keys = [
          '',
          '/',
          '../x',
          'a/../b',
          'a//b',
          '/etc/passwd',
          'a/',
          'A/b',
          'a/.b',
          'a\\b',
          'a/b\0',
          'a/%2e%2e',
        ]
        for (const key of [...keys, `a/${'x'.repeat(256)}`, Array(200).fill('abc').join('/')]) {
          const body = bodyOf(randomBytes(10))
          await assert.rejects(store.put(key, body, { contentType }), TypeError)
          await assert.rejects(store.get(key), TypeError)
          await assert.rejects(store.head(key), TypeError)
          await assert.rejects(store.delete(key), TypeError)
          await assert.rejects(store.createMultipart(key, { contentType }), TypeError)
          assert.equal(body.readableDidRead, false)
        }
      })
    })

    describe('get', () => {
      it('reads a range, cut at the end of the object', async () => {
        const bytes = randomBytes(100_000)
        const key = randomKey()
        await store.put(key, bodyOf(bytes), { contentType, size: bytes.byteLength })
        for (const [start, end] of [
          [0, 0],
          [10, 70_000],
          [99_990, 500_000],
        ] as const) {
          const { info, body } = await store.get(key, { range: { start, end } })
          assert.equal(info.size, bytes.byteLength)
          assert.deepEqual(await buffer(body), bytes.subarray(start, end + 1))
        }
        await assertCode(store.get(key, { range: { start: 100_000, end: 100_001 } }), 'invalid-range')
      })

      it('says that there is none', async () => {
        await assertCode(store.get(randomKey()), 'not-found')
        assert.equal(await store.head(randomKey()), null)
        assert.equal(await store.attestedSha256(randomKey()), null)
      })

      it('ends when the body is destroyed or the signal aborts', async () => {
        const bytes = randomBytes(4 * mebibyte)
        const key = randomKey()
        await store.put(key, bodyOf(bytes), { contentType, size: bytes.byteLength })
        const { body } = await store.get(key)
        body.destroy()
        const abort = new AbortController()
        const aborted = await store.get(key, { signal: abort.signal })
        abort.abort()
        await assert.rejects(buffer(aborted.body))
        assert.deepEqual(await read(store, key), bytes)
      })
    })

    describe('delete', () => {
      it('removes the object, and succeeds again', async () => {
        const key = randomKey()
        await store.put(key, bodyOf(randomBytes(10)), { contentType, size: 10 })
        await store.delete(key)
        assert.equal(await store.head(key), null)
        await store.delete(key)
      })
    })

    describe('list', () => {
      it('gives what starts with the prefix, and nothing that is only on its way', async () => {
        const folder = `list-${randomBytes(6).toString('hex')}`
        const id = randomBytes(16).toString('hex')
        const keys = [`${folder}/${id}/thumb.webp`, `${folder}/${id}/hls/0.ts`, randomKey(folder), randomKey(folder)]
        for (const key of [...keys, folder]) {
          await store.put(key, bodyOf(Buffer.from(key)), { contentType, size: key.length })
        }
        await store.createMultipart(randomKey(folder), { contentType })
        const listed = async (prefix: string) => (await collect(store.list(prefix))).map(({ key }) => key).sort()
        assert.deepEqual(await listed(`${folder}/`), keys.toSorted())
        assert.deepEqual(await listed(`${folder}/${id}/`), keys.slice(0, 2).toSorted())
        assert.deepEqual(await listed(`${folder}/${id.slice(0, 5)}`), keys.slice(0, 2).toSorted())
        assert.deepEqual(await listed(folder), [...keys, folder].sort())
        assert.deepEqual(await listed('../'), [])
        assert.equal((await collect(store.list())).filter(({ key }) => key.startsWith(folder)).length, 5)
        const [object] = await collect(store.list(`${folder}/${id}/thumb`))
        const info = await store.head(`${folder}/${id}/thumb.webp`)
        assert.deepEqual([object?.size, object?.etag], [info?.size, info?.etag])
      })
    })

    describe('multipart', () => {
      it('joins parts that came in any order, the last of each number', async () => {
        const key = randomKey()
        const { uploadId, bytes, second } = await putTwoParts(store, key)
        const again = randomBytes(second.byteLength)
        await store.putPart(key, uploadId, 2, bodyOf(again), { size: again.byteLength })
        const parts = await store.listParts(key, uploadId)
        assert.deepEqual(
          parts.map(({ number, size }) => ({ number, size })),
          [
            { number: 1, size: bytes.byteLength - second.byteLength },
            { number: 2, size: second.byteLength },
          ],
        )
        const info = await store.completeMultipart(key, uploadId, parts)
        assert.equal(info.size, bytes.byteLength)
        const expected = Buffer.concat([bytes.subarray(0, -second.byteLength), again])
        assert.deepEqual(await read(store, key), expected)
        const attested = await store.attestedSha256(key)
        if (attested !== null) assert.deepEqual(Buffer.from(attested), sha256(expected))
      })

      it('makes an object of a single part', async () => {
        const key = randomKey()
        const bytes = randomBytes(500_000)
        const uploadId = await store.createMultipart(key, { contentType })
        const part = await store.putPart(key, uploadId, 1, bodyOf(bytes), { size: bytes.byteLength })
        await store.completeMultipart(key, uploadId, [part])
        assert.deepEqual(await read(store, key), bytes)
      })

      it('answers every completion with the object, repeated and twenty at once', async () => {
        const key = randomKey()
        const { uploadId, bytes } = await putTwoParts(store, key)
        const parts = await store.listParts(key, uploadId)
        const answers = await Promise.all(
          Array.from({ length: 20 }, () => store.completeMultipart(key, uploadId, parts)),
        )
        answers.push(await store.completeMultipart(key, uploadId, parts))
        assert.equal(new Set(answers.map(({ etag }) => etag)).size, 1)
        assert.deepEqual(await read(store, key), bytes)
      })

      it('is closed after completion: a late part changes nothing', async () => {
        const key = randomKey()
        const { uploadId, bytes } = await putTwoParts(store, key)
        await store.completeMultipart(key, uploadId, await store.listParts(key, uploadId))
        await assertCode(store.putPart(key, uploadId, 2, bodyOf(randomBytes(100)), { size: 100 }), 'closed')
        await assertCode(store.listParts(key, uploadId), 'closed')
        assert.deepEqual(await read(store, key), bytes)
        await store.delete(key)
        await assertCode(store.completeMultipart(key, uploadId, [{ number: 1, size: 1, etag: '"x"' }]), 'closed')
      })

      it('is closed after an abort, which can be repeated, and keeps nothing', async () => {
        const key = randomKey()
        const { uploadId } = await putTwoParts(store, key)
        const parts = await store.listParts(key, uploadId)
        await store.abortMultipart(key, uploadId)
        await store.abortMultipart(key, uploadId)
        await assertCode(store.listParts(key, uploadId), 'closed')
        await assertCode(store.putPart(key, uploadId, 1, bodyOf(randomBytes(9)), { size: 9 }), 'closed')
        await assertCode(store.completeMultipart(key, uploadId, parts), 'closed')
        assert.equal(await store.head(key), null)
      })

      it('knows nothing of ids that never were', async () => {
        for (const uploadId of ['../../tmp', 'x', randomBytes(24).toString('hex')]) {
          const key = randomKey()
          await assertCode(store.listParts(key, uploadId), 'closed')
          await assertCode(store.putPart(key, uploadId, 1, bodyOf(randomBytes(9)), { size: 9 }), 'closed')
          await store.abortMultipart(key, uploadId)
        }
      })

      it('refuses to join parts that are missing, or not as listed', async () => {
        const key = randomKey()
        const { uploadId } = await putTwoParts(store, key)
        const parts = await store.listParts(key, uploadId)
        const third = { number: 3, size: 10, etag: '"00000000000000000000000000000000"' }
        await assertCode(store.completeMultipart(key, uploadId, [...parts, third]), 'invalid-part')
        const replaced = parts.map((part) => ({ ...part, etag: third.etag }))
        await assertCode(store.completeMultipart(key, uploadId, replaced), 'invalid-part')
        await assertCode(store.completeMultipart(key, uploadId, []), 'invalid-part')
        assert.equal(await store.head(key), null)
        await store.completeMultipart(key, uploadId, parts)
      })

      it('leaves a part as it was when the new bytes are wrong', async () => {
        const key = randomKey()
        const uploadId = await store.createMultipart(key, { contentType })
        const bytes = randomBytes(100_000)
        const part = await store.putPart(key, uploadId, 1, bodyOf(bytes), { size: bytes.byteLength })
        const other = () => bodyOf(randomBytes(100_000))
        const wrong = { algorithm: 'sha-256', value: sha256(randomBytes(1)) } as const
        await assertCode(store.putPart(key, uploadId, 1, other(), { size: 100_001 }), 'size-mismatch')
        await assertCode(
          store.putPart(key, uploadId, 1, other(), { size: 100_000, digest: wrong }),
          'checksum-mismatch',
        )
        await assertCode(store.putPart(key, uploadId, 1, other(), { maxSize: 1_000 }), 'too-large')
        await assertCode(store.putPart(key, uploadId, 0, other(), { size: 100_000 }), 'invalid-part')
        assert.deepEqual(await store.listParts(key, uploadId), [part])
        await store.putPart(key, uploadId, 2, bodyOf(randomBytes(10)), { maxSize: 1_000 })
        assert.equal((await store.listParts(key, uploadId)).length, 2)
        await store.abortMultipart(key, uploadId)
      })

      it('lists those that are open', async () => {
        const key = randomKey()
        const uploadId = await store.createMultipart(key, { contentType })
        const find = async () => (await collect(store.listMultiparts())).find((one) => one.uploadId === uploadId)
        const found = await find()
        assert.equal(found?.key, key)
        assert.ok(Math.abs((found?.initiatedAt.getTime() ?? 0) - Date.now()) < 60_000)
        await store.abortMultipart(key, uploadId)
        assert.equal(await find(), undefined)
      })
    })

    it('answers a ping', () => store.ping())
  })
}
