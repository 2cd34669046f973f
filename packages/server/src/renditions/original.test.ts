import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ObjectStore } from '../engines/object-store/index.ts'
import type { AssetRow } from './context.ts'
import { originalOf } from './original.ts'

test('a film for which there is no room is not brought here, since the disk is not its alone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'heliograph-original-'))
  let asked = 0
  const store = {
    localPath: () => null,
    get: async () => {
      asked += 1
      throw new Error('It was asked for.')
    },
  } as unknown as ObjectStore
  const asset = { object_key: 'originals/film', size: 2 ** 52, sha256: null } as AssetRow
  try {
    const original = originalOf(store, asset, new AbortController().signal)
    await assert.rejects(original.file(folder), /no room/)
    assert.equal(asked, 0)
    assert.deepEqual(await readdir(folder), [])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
