import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { type Asset, createClient } from '@heliograph/client'
import { jpeg, sha256 } from '../testing/photos.ts'
import { CommandError } from './command.ts'
import { download } from './get-download.ts'

const bytes = jpeg(300_000)
const asset = {
  id: 'a',
  filename: 'a.jpg',
  size: bytes.length,
  sha256: sha256(bytes),
  urls: { original: '/m/a' },
} as Asset

/** What the server does to each request in turn; then it serves ranges as it should. */
let script: ((start: number, response: ServerResponse) => void)[] = []
let ranges: number[] = []
let folder: string

const server = createServer((request, response) => {
  if (request.url === '/v1/assets/a')
    return void response.end(JSON.stringify({ ...asset, urls: { original: '/m/fresh' } }))
  const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
  ranges.push(start)
  const step = script.shift()
  if (step !== undefined) return step(start, response)
  response.writeHead(start > 0 ? 206 : 200)
  response.end(bytes.subarray(start))
})

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heliograph-get-'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
after(async () => {
  server.closeAllConnections()
  server.close()
  await rm(folder, { recursive: true })
})
beforeEach(async () => {
  for (const name of await readdir(folder)) await rm(join(folder, name))
  script = []
  ranges = []
})

function run(): Promise<string> {
  const client = createClient({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: 't' })
  const { signal } = new AbortController()
  return download({ client, asset, path: join(folder, 'a.jpg'), force: false, signal, onProgress: () => undefined })
}

describe('a download', () => {
  it('goes on where the connection broke', async () => {
    script = [
      (_, response) => {
        response.writeHead(200, { 'content-length': bytes.length })
        response.write(bytes.subarray(0, 100_000), () => setImmediate(() => response.destroy()))
      },
    ]
    await run()
    assert.deepEqual(await readFile(join(folder, 'a.jpg')), bytes)
    assert.deepEqual(await readdir(folder), ['a.jpg'])
    assert.ok((ranges[1] ?? 0) > 0, 'the second request asked for the rest only')
  })

  it('goes on where an earlier command was interrupted', async () => {
    await writeFile(join(folder, 'a.jpg.part'), bytes.subarray(0, 200_000))
    await run()
    assert.deepEqual(ranges, [200_000])
    assert.deepEqual(await readFile(join(folder, 'a.jpg')), bytes)
  })

  it('starts anew when what was there belongs to another file', async () => {
    await writeFile(join(folder, 'a.jpg.part'), jpeg(200_000))
    await run()
    assert.deepEqual(ranges, [200_000, 0])
    assert.deepEqual(await readFile(join(folder, 'a.jpg')), bytes)
  })

  it('asks for a fresh URL when the signed one expired', async () => {
    script = [(_, response) => response.writeHead(410).end()]
    await run()
    assert.deepEqual(await readFile(join(folder, 'a.jpg')), bytes)
  })

  it('that arrives damaged twice is not kept', async () => {
    const damaged = jpeg(bytes.length)
    const step = (_: number, response: ServerResponse) => void response.end(damaged)
    script = [step, step]
    await assert.rejects(run(), (error) => error instanceof CommandError && /damaged twice/.test(error.message))
    assert.deepEqual(await readdir(folder), [])
  })
})
