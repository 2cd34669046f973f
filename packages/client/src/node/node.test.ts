import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { appendFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createWasmHasher, toHex } from '../hashing.ts'
import { createFileResumeStore, createFileSource, createNodeHasher } from '../node.ts'
import { SourceChanged } from '../upload/source.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heliograph-client-'))
})
after(() => rm(folder, { recursive: true }))

describe('a file on disk', () => {
  it('gives exactly the bytes asked for, as often as asked', async () => {
    const path = join(folder, 'a.jpg')
    const bytes = randomBytes(1_300_000)
    await writeFile(path, bytes)
    const source = await createFileSource(path)
    const slice = source.slice(100, 1_200_000)
    for (let round = 0; round < 2; round++) {
      assert.deepEqual(Buffer.from(await slice.arrayBuffer()), bytes.subarray(100, 1_200_000))
    }
  })

  it('that was written to since is not uploaded as a mixture', async () => {
    const path = join(folder, 'b.jpg')
    await writeFile(path, 'before')
    const source = await createFileSource(path)
    await appendFile(path, ' and after')
    await assert.rejects(source.slice(0, 6).arrayBuffer(), SourceChanged)
    await rm(path)
    await assert.rejects(source.slice(0, 6).arrayBuffer(), SourceChanged)
  })
})

describe('digests', () => {
  for (const [name, hasher] of [
    ['native', createNodeHasher()],
    ['WebAssembly', createWasmHasher()],
  ] as const) {
    it(`${name}: are right, also of nothing`, async () => {
      const bytes = new Uint8Array(randomBytes(200_000))
      for (const [algorithm, native] of [
        ['sha-256', 'sha256'],
        ['md5', 'md5'],
      ] as const) {
        const expected = (data: Uint8Array) => createHash(native).update(data).digest('hex')
        assert.equal(toHex(await hasher.digest(algorithm, new Blob([bytes]))), expected(bytes))
        assert.equal(toHex(await hasher.digest(algorithm, new Blob([]))), expected(new Uint8Array()))
      }
    })

    it(`${name}: stop when told to`, async () => {
      const signal = AbortSignal.abort(new Error('enough'))
      await assert.rejects(hasher.digest('sha-256', new Blob(['x']), { signal }), /enough/)
    })
  }
})

describe('the file of unfinished uploads', () => {
  const fail = (error: unknown) => assert.fail(String(error))

  it('is found again by the next program', async () => {
    const path = join(folder, 'state', 'uploads.json')
    const store = createFileResumeStore(path, fail)
    await Promise.all([store.set('a', '1'), store.set('b', '2'), store.set('c', '3')])
    await store.delete('b')
    const next = createFileResumeStore(path, fail)
    assert.deepEqual(await Promise.all(['a', 'b', 'c'].map((key) => next.get(key))), ['1', null, '3'])
    assert.deepEqual(await readdir(join(folder, 'state')), ['uploads.json'])
  })

  it('that is damaged counts as empty', async () => {
    const path = join(folder, 'damaged.json')
    await writeFile(path, '{"a": ')
    const told: unknown[] = []
    assert.equal(await createFileResumeStore(path, (error) => told.push(error)).get('a'), null)
    assert.equal(told.length, 1)
  })

  it('that cannot be used is said, and stops nothing', async () => {
    const told: unknown[] = []
    const path = join(folder, 'a.jpg', 'uploads.json')
    const store = createFileResumeStore(path, (error) => told.push(error))
    await store.set('a', '1')
    assert.equal(await store.get('a'), '1')
    assert.ok(told.length > 0)
  })
})
