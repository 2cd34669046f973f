import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { it } from 'node:test'
import { readAll, readStream } from '../byte-reader.ts'
import { eventually } from '../test-edge.ts'
import { readBlocks } from './block-reader.ts'
import { startFill } from './fill.ts'
import { createCacheFolder } from './folder.ts'
import { startTestOrigin } from './test-origin.ts'

/** A disk that has room for so many bytes. */
function withRoomFor(handle: FileHandle, room: number): FileHandle {
  let left = room
  const write = (data: Buffer, offset: number, length: number, position: number) => {
    const error = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC', syscall: 'write' })
    if (left === 0) return Promise.reject(error)
    const fitting = Math.min(left, length)
    left -= fitting
    return handle.write(data, offset, fitting, position)
  }
  return new Proxy(handle, {
    get(target, name) {
      const value: unknown = name === 'write' ? write : Reflect.get(target, name, target)
      return typeof value === 'function' && name !== 'write' ? value.bind(target) : value
    },
  })
}

it('a disk that fills up in the middle of a block costs a read of the store, and no client its file', async () => {
  await using origin = await startTestOrigin()
  const bytes = randomBytes(100_000)
  await origin.keep('originals/one', bytes)
  origin.isHolding = true
  const info = await origin.store.head('originals/one')
  assert.ok(info !== null)
  const files = createCacheFolder(origin.cacheFolder)
  const path = files.blockPath(info, 0)
  let returned = 0
  const fill = startFill({
    store: origin.store,
    folder: {
      ...files,
      async claim(wanted) {
        const claim = await files.claim(wanted)
        return { ...claim, handle: withRoomFor(claim.handle, 60_000) }
      },
    },
    room: {
      take: () => true,
      kept: () => assert.fail('half a block is kept'),
      returned: (count) => {
        returned += count
      },
      settle: () => Promise.resolve(),
    },
    info,
    path,
    range: { start: 0, end: 99_999 },
    now: () => new Date(),
    onBytes: () => undefined,
    onEnd: () => undefined,
    onError: (error) => assert.fail(String(error)),
  })
  const failures: unknown[] = []
  const opening = [0, 1, 2].map(() =>
    readBlocks({
      range: { start: 0, end: 99_999 },
      blockSize: 100_000,
      openBlock: (_index, signal) => fill.join(signal),
      openStore: async (range) => readStream((await origin.store.get(info.key, { range })).body),
      onCacheFailed: (error) => failures.push(error),
    }),
  )
  await eventually(() => origin.held.length === 1)
  origin.held[0]?.send()
  const whole = (await Promise.all(opening)).map((reader) => readAll(reader, bytes.length))
  await eventually(() => origin.held.length === 4)
  for (const read of origin.held.slice(1)) {
    assert.deepEqual(read.range, { start: 60_000, end: 99_999 })
    read.send()
  }
  for (const got of await Promise.all(whole)) assert.deepEqual(got, bytes)
  await eventually(async () => (await origin.cacheFiles()).length === 0)
  assert.deepEqual([failures.length, returned], [3, 100_000])
})
