import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { compressFolder } from '../site/compress.mjs'
import { buildFolder, hashSources, isSiteFresh, markName } from '../site/sources.mjs'

let root

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'heliograph-site-'))
})
after(() => rm(root, { recursive: true }))

async function write(path, content) {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), content)
}

test('a site is fresh until a source of it changes, is added, renamed or removed', async () => {
  await write('packages/web/src/app.html', 'one')
  assert.equal(isSiteFresh(root), false)
  const build = async () => {
    await mkdir(buildFolder(root), { recursive: true })
    await writeFile(join(buildFolder(root), markName), hashSources(root))
  }
  await build()
  assert.equal(isSiteFresh(root), true)

  const changes = [
    () => write('packages/web/src/app.html', 'two'),
    () => write('packages/client/src/index.ts', ''),
    () => rm(join(root, 'packages/client/src/index.ts')),
    () => write('package-lock.json', '{}'),
  ]
  for (const change of changes) {
    await change()
    assert.equal(isSiteFresh(root), false, String(change))
    await build()
    assert.equal(isSiteFresh(root), true, String(change))
  }
  await write('packages/web/src/app.test.ts', 'a test is no part of it')
  await write('packages/server/src/main.ts', 'nor is the server')
  assert.equal(isSiteFresh(root), true)
})

test('what is worth it gets a smaller form in every coding, and what is not gets none', async () => {
  const folder = join(root, 'files')
  const script = 'export const words = 1\n'.repeat(200)
  await write('files/a/script.js', script)
  await write('files/small.js', 'short')
  await write('files/picture.png', Buffer.alloc(5000))
  await compressFolder(folder)
  const decoders = { '.br': brotliDecompressSync, '.zst': zstdDecompressSync, '.gz': gunzipSync }
  for (const [suffix, decode] of Object.entries(decoders)) {
    const coded = await readFile(join(folder, `a/script.js${suffix}`))
    assert.ok(coded.length < 200, suffix)
    assert.equal(decode(coded).toString(), script)
  }
  assert.deepEqual((await readdir(folder)).sort(), ['a', 'picture.png', 'small.js'])
})
