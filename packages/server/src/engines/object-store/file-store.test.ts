import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { assertCode, bodyOf, collect, describeObjectStore, endlessBody, randomKey, read, sha256 } from './contract.ts'
import { createFileStore } from './file-store.ts'
import { openObjectStore } from './index.ts'

const contentType = 'application/octet-stream'
const scratch = await mkdtemp(join(tmpdir(), 'heliograph-files-'))
after(() => rm(scratch, { recursive: true, force: true }))

describeObjectStore('files', async () => createFileStore({ root: join(scratch, 'linked') }), false)
describeObjectStore(
  'files where there are no hard links',
  async () => createFileStore({ root: join(scratch, 'claimed'), hardLinks: false }),
  false,
)

const freshRoot = () => mkdtemp(join(scratch, 'root-'))

/** Runs a program that has `store` on the folder; the module code may use `store`, `endlessBody` and `randomKey`. */
function spawnWithStore(t: TestContext, root: string, code: string): ChildProcess {
  const module = (name: string) => JSON.stringify(new URL(name, import.meta.url).href)
  const program = `
    import { createFileStore } from ${module('./file-store.ts')}
    import { bodyOf, endlessBody, randomKey } from ${module('./contract.ts')}
    const store = createFileStore({ root: ${JSON.stringify(root)} })
    ${code}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Importing the suite registers tests; as part of a run they would be reported.
    env: { PATH: process.env.PATH, NODE_TEST_CONTEXT: '' },
  })
  t.after(() => child.kill('SIGKILL'))
  return child
}

async function firstLine(child: ChildProcess): Promise<string> {
  assert.ok(child.stdout !== null)
  return String((await once(child.stdout, 'data'))[0]).trim()
}

describe('the file store after a crash', () => {
  it('sweeps what a killed process was writing, and nothing of one that still writes', async (t) => {
    const root = await freshRoot()
    const store = createFileStore({ root })
    const key = randomKey()
    const child = spawnWithStore(
      t,
      root,
      `const put = store.put('${key}', endlessBody(Buffer.alloc(3_000_000)), { contentType: 'x', size: 9_000_000 })
       const { readdir, stat } = await import('node:fs/promises')
       const size = async () => {
         const [name] = await readdir('${root}/tmp')
         return name === undefined ? 0 : (await stat('${root}/tmp/' + name)).size
       }
       while (await size() === 0) await new Promise((resolve) => setTimeout(resolve, 5))
       console.log('writing')
       setInterval(() => undefined, 1000)
       await put`,
    )
    assert.equal(await firstLine(child), 'writing')
    const ours = endlessBody(randomBytes(1_000))
    const put = store.put(randomKey(), ours, { contentType, size: 1_001 })
    assert.equal(await createFileStore({ root }).sweep(), 0)

    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.equal(await store.sweep(), 1)
    assert.equal(await store.head(key), null)
    ours.push(Buffer.alloc(1))
    ours.push(null)
    await put
    assert.deepEqual(await readdir(join(root, 'tmp')), [])
  })

  it('goes on with a completion that stopped after the object had its name', async () => {
    const root = await freshRoot()
    const store = createFileStore({ root })
    const key = randomKey()
    const bytes = randomBytes(1_000)
    const uploadId = await store.createMultipart(key, { contentType })
    const part = await store.putPart(key, uploadId, 1, bodyOf(bytes), { size: bytes.byteLength })
    await store.put(key, bodyOf(bytes), { contentType })
    const info = await createFileStore({ root }).completeMultipart(key, uploadId, [part])
    assert.equal(info.size, bytes.byteLength)
    assert.deepEqual(await collect(store.listMultiparts()), [])
  })

  it('completes once when several processes complete at the same time', async (t) => {
    const root = await freshRoot()
    const store = createFileStore({ root })
    const key = randomKey()
    const bytes = randomBytes(6_000_000)
    const uploadId = await store.createMultipart(key, { contentType })
    const parts = [
      await store.putPart(key, uploadId, 1, bodyOf(bytes.subarray(0, 4_000_000)), {}),
      await store.putPart(key, uploadId, 2, bodyOf(bytes.subarray(4_000_000)), {}),
    ]
    const complete = `console.log((await store.completeMultipart('${key}', '${uploadId}', ${JSON.stringify(parts)})).etag)`
    const children = [1, 2, 3].map(() => spawnWithStore(t, root, complete))
    const own = await store.completeMultipart(key, uploadId, parts)
    assert.deepEqual(await Promise.all(children.map(firstLine)), [own.etag, own.etag, own.etag])
    assert.deepEqual(await read(store, key), bytes)
    assert.deepEqual(await readdir(join(root, 'multipart')), [])
  })
})

describe('the file store', () => {
  it('knows the SHA-256 of what it joined, and not of what another process wrote', async () => {
    const root = await freshRoot()
    const store = createFileStore({ root })
    for (const count of [1, 3]) {
      const key = randomKey()
      const bytes = randomBytes(count * 100_000)
      const uploadId = await store.createMultipart(key, { contentType })
      for (let number = 1; number <= count; number += 1) {
        await store.putPart(key, uploadId, number, bodyOf(bytes.subarray((number - 1) * 100_000, number * 100_000)), {})
      }
      await store.completeMultipart(key, uploadId, await store.listParts(key, uploadId))
      assert.deepEqual(Buffer.from((await store.attestedSha256(key)) ?? []), sha256(bytes))
      assert.equal(await createFileStore({ root }).attestedSha256(key), null)
    }
  })

  it('does not let a part that comes late into the object', async () => {
    const root = await freshRoot()
    const store = createFileStore({ root })
    const key = randomKey()
    const bytes = randomBytes(1_000)
    const uploadId = await store.createMultipart(key, { contentType })
    const part = await store.putPart(key, uploadId, 1, bodyOf(bytes), { size: 1_000 })
    const late = endlessBody(randomBytes(999))
    const latePut = store.putPart(key, uploadId, 1, late, { size: 1_000 })
    await store.completeMultipart(key, uploadId, [part])
    late.push(Buffer.alloc(1))
    late.push(null)
    await assertCode(latePut, 'closed')
    assert.deepEqual(await read(store, key), bytes)
    assert.deepEqual(await readdir(join(root, 'tmp')), [])
  })

  it('serves every one of many clients at once, the slow ones too', async () => {
    const root = await freshRoot()
    const store = createFileStore({ root })
    // More than can be read at once never end; the others must get through all the same.
    const slow = Array.from({ length: 100 }, () => ({ key: randomKey(), body: endlessBody(randomBytes(10_000)) }))
    const slowPuts = slow.map(({ key, body }) => store.put(key, body, { contentType, size: 10_001 }))
    const fast = Array.from({ length: 100 }, () => ({ key: randomKey(), bytes: randomBytes(700_000) }))
    await Promise.all(fast.map(({ key, bytes }) => store.put(key, bodyOf(bytes), { contentType })))
    for (const { body } of slow) {
      body.push(Buffer.alloc(1))
      body.push(null)
    }
    assert.equal((await Promise.all(slowPuts)).length, 100)
    for (const { key, bytes } of fast) assert.deepEqual(await read(store, key), bytes)
  })

  it('lists and sweeps nothing that a person put there', async () => {
    const root = await freshRoot()
    const store = createFileStore({ root })
    const key = randomKey()
    await store.put(key, bodyOf(randomBytes(5)), { contentType })
    await mkdir(join(root, 'objects', 'notes'))
    await writeFile(join(root, 'objects', 'notes', 'README.md'), 'mine')
    await writeFile(join(root, 'objects', '.DS_Store'), 'mine')
    await writeFile(join(root, 'tmp', 'mine'), 'mine')
    assert.deepEqual(
      (await collect(store.list())).map((object) => object.key),
      [key],
    )
    assert.equal(await store.sweep(), 0)
  })

  it('removes the folders that a deletion empties', async () => {
    const root = await freshRoot()
    const store = createFileStore({ root })
    const [first, second] = ['renditions/abc/hls/0.ts', 'renditions/abc/thumb.webp']
    for (const key of [first, second]) await store.put(key, bodyOf(randomBytes(5)), { contentType })
    await store.delete(first)
    const names = await readdir(join(root, 'objects'), { recursive: true })
    assert.equal(names.filter((name) => name.endsWith('hls')).length, 0)
    assert.equal(names.filter((name) => name.endsWith('abc')).length, 1)
    await store.delete(second)
    await store.put(second, bodyOf(randomBytes(5)), { contentType })
  })

  it('is opened by its URL', async () => {
    const root = join(await freshRoot(), 'a folder')
    const store = await openObjectStore(`file:${root.replaceAll(' ', '%20')}`)
    await store.ping()
    assert.ok(existsSync(join(root, 'tmp')))
    await assert.rejects(openObjectStore('http://x'), TypeError)
  })

  const mountable = process.platform === 'linux' && process.getuid?.() === 0
  it('says that the disk is full, and leaves nothing', {
    skip: mountable ? false : 'needs root on Linux, to mount a file system of 2 MB',
  }, async (t) => {
    const root = await freshRoot()
    const run = promisify(execFile)
    await run('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', root])
    t.after(() => run('umount', [root]))
    const store = createFileStore({ root })
    const key = randomKey()
    await assertCode(store.put(key, bodyOf(randomBytes(5_000_000)), { contentType, size: 5_000_000 }), 'full')
    assert.equal(await store.head(key), null)
    const parts = randomKey()
    const uploadId = await store.createMultipart(parts, { contentType })
    const half = () => bodyOf(randomBytes(600_000))
    const received = [
      await store.putPart(parts, uploadId, 1, half(), {}),
      await store.putPart(parts, uploadId, 2, half(), {}),
    ]
    await assertCode(store.completeMultipart(parts, uploadId, received), 'full')
    assert.deepEqual(await store.listParts(parts, uploadId), received)
    assert.deepEqual(await readdir(join(root, 'tmp')), [])
  })
})
