import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, afterEach, describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { createClient, createUploader } from '@heliograph/client'
import { createNodeHasher, createNodeTransport } from '@heliograph/client/node'
import { type ScriptedServer, type ServerOptions, startScriptedServer } from '../../../../client/src/testing.ts'
import { createQueue, type NewEntry, type QueueOptions } from './queue.ts'

const part = 64 * 1024
const servers: ScriptedServer[] = []
const transport = createNodeTransport()

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()))
})
after(() => transport.close())

async function start(script?: ServerOptions['script'], options: Partial<QueueOptions> = {}) {
  const server = await startScriptedServer(script === undefined ? {} : { script })
  servers.push(server)
  const client = createClient({ baseUrl: server.baseUrl, token: 'secret' })
  const uploader = createUploader({
    client,
    hasher: createNodeHasher(),
    transport,
    retry: { attempts: 2, baseMs: 1, capMs: 2 },
  })
  const order: string[] = []
  const queue = createQueue({
    uploader,
    ping: () => client.uploads.get('ping').catch(passProblems),
    probeAfter: () => 5,
    onStarted: (entry) => order.push(entry.source.name),
    ...options,
  })
  return { server, queue, order }
}

/** A server that answers with a problem is there. */
function passProblems(error: unknown): void {
  if (!(error instanceof Error) || error.name !== 'ApiProblem') throw error
}

function filesOf(count: number, size = 1000, name = (index: number) => `${index}.jpg`): NewEntry[] {
  return Array.from({ length: count }, (_, index) => ({
    key: null,
    source: new File([new Uint8Array(randomBytes(size))], name(index), { type: 'image/jpeg', lastModified: 1 }),
    path: name(index),
    albumId: null,
    uploadId: null,
  }))
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setTimeout(2)
}

const completed = (server: ScriptedServer) => [...server.uploads.values()].filter((one) => one.state === 'completed')

describe('a queue', () => {
  it('uploads in the order in which files were added, a few at a time', async () => {
    const { server, queue, order } = await start()
    const files = filesOf(40)
    queue.add(files)
    assert.ok(queue.active.size <= 8)
    assert.equal(queue.waitingCount + queue.active.size, 40)
    await until(() => queue.isIdle)
    assert.deepEqual(
      order,
      files.map(({ source }) => source.name),
    )
    assert.equal(completed(server).length, 40)
    assert.deepEqual(queue.totals, { files: 40, bytes: 40_000, added: 40, duplicates: 0, failed: 0 })
    const progress = queue.progress()
    assert.deepEqual([progress.doneBytes, progress.leftBytes, progress.sentBytes], [40_000, 0, 40_000])
  })

  it('takes ten thousand files at once without working on them', async () => {
    const { queue } = await start()
    queue.hold('person')
    queue.add(filesOf(10_000, 0))
    assert.equal(queue.waitingCount, 10_000)
    assert.equal(queue.active.size, 0)
    assert.equal(queue.nextWaiting(5).length, 5)
    await queue.cancelAll()
    assert.ok(queue.isIdle)
  })

  it('is one batch while a folder is still being walked', async () => {
    const { queue } = await start()
    const walked = queue.expect()
    queue.add(filesOf(2))
    await until(() => queue.totals.added === 2)
    assert.ok(!queue.isIdle)
    queue.add(filesOf(2, 1000, (index) => `more-${index}.jpg`))
    walked()
    await until(() => queue.isIdle)
    assert.equal(queue.totals.added, 4)
  })

  it('tells once that all is done, also of what was done at once', async () => {
    const told: number[] = []
    const onIdle = () => told.push(queue.totals.files)
    const { queue } = await start(undefined, { maxFileSize: 1000, onIdle })
    const walked = queue.expect()
    queue.add(filesOf(2))
    await until(() => queue.totals.added === 2)
    assert.deepEqual(told, [])
    walked()
    assert.deepEqual(told, [2])
    // Refused before anything waits.
    const [refused] = queue.add(filesOf(1, 2000))
    assert.deepEqual(told, [2, 1])
    if (refused !== undefined) queue.retry(refused)
    assert.deepEqual(told, [2, 1, 1])
    queue.hold('person')
    queue.release('person')
    queue.clear()
    assert.equal(told.length, 3)
  })

  it('tells what the library had from what was added', async () => {
    const { queue, server } = await start()
    const files = filesOf(3)
    queue.add(files)
    await until(() => queue.isIdle)
    queue.add(files)
    await until(() => queue.isIdle)
    assert.deepEqual([queue.totals.files, queue.totals.added, queue.totals.duplicates], [3, 0, 3])
    assert.equal(server.puts().length, 3)
  })

  it('counts a file that is refused and goes on with the others', async () => {
    const { queue } = await start(({ method, path, earlier }) =>
      method === 'POST' && path === '/v1/uploads' && earlier === 1
        ? { status: 415, body: { type: '/problems/unsupported-type' } }
        : undefined,
    )
    queue.add(filesOf(5))
    await until(() => queue.isIdle)
    assert.deepEqual([queue.totals.added, queue.totals.failed], [4, 1])
    queue.retryFailed()
    await until(() => queue.isIdle)
    assert.deepEqual([queue.totals.added, queue.totals.failed], [5, 0])
  })

  it('does not read a file that is larger than the server takes', async () => {
    const { queue, server } = await start(undefined, { maxFileSize: 500 })
    queue.add([...filesOf(1, 501), ...filesOf(1, 500)])
    await until(() => queue.isIdle)
    assert.deepEqual([queue.totals.added, queue.totals.failed], [1, 1])
    assert.equal(server.uploads.size, 1)
  })
})

describe('a full storage', () => {
  it('refuses what cannot fit without asking for each, and still takes what does', async () => {
    let asked = 0
    const { queue } = await start(
      ({ path, method }) => {
        if (method !== 'POST' || path !== '/v1/uploads') return undefined
        asked++
        return asked > 1 ? undefined : { status: 413, body: { type: '/problems/quota-exceeded' } }
      },
      { findRoom: async () => 500 },
    )
    queue.add(filesOf(1, 5000))
    await until(() => queue.failed.size === 1)
    await setTimeout(5)
    queue.add([...filesOf(30, 1000), ...filesOf(2, 400)])
    await until(() => queue.isIdle)
    assert.equal(queue.totals.failed, 31)
    assert.equal(queue.totals.added, 2)
    assert.equal(asked, 3)
  })
})

describe('pausing', () => {
  it('keeps everything where it is and goes on with nothing sent twice', async () => {
    const { server, queue } = await start(({ method, earlier, part: number }) =>
      method === 'PUT' && earlier === 0 && number === 2 ? 'stall' : undefined,
    )
    queue.add(filesOf(1, part * 3))
    await until(() => server.puts().length >= 2)
    queue.hold('person')
    await setTimeout(10)
    assert.equal(queue.totals.failed, 0)
    queue.release('person')
    await until(() => queue.isIdle)
    assert.equal(queue.totals.added, 1)
    assert.equal(server.puts().filter((put) => put.part === 1).length, 1)
  })

  it('one file lets the others pass', async () => {
    const { server, queue } = await start(({ method, earlier }, { uploads }) =>
      method === 'PUT' && earlier === 0 && uploads.size === 1 ? 'stall' : undefined,
    )
    const [first] = queue.add(filesOf(1, part))
    assert.ok(first)
    await until(() => server.puts().length === 1)
    queue.pauseEntry(first)
    queue.add(filesOf(12))
    await until(() => queue.totals.added === 12)
    assert.ok(!queue.isIdle)
    queue.resumeEntry(first)
    await until(() => queue.isIdle)
    assert.equal(queue.totals.added, 13)
  })

  it('a file that waits can be paused and cancelled too', async () => {
    const { queue } = await start()
    queue.hold('person')
    const [first, second] = queue.add(filesOf(3))
    assert.ok(first && second)
    queue.pauseEntry(first)
    await queue.cancelEntry(second)
    assert.deepEqual([queue.waitingCount, queue.paused.size, queue.totals.files], [1, 1, 2])
    queue.resumeEntry(first)
    queue.release('person')
    await until(() => queue.isIdle)
    assert.equal(queue.totals.added, 2)
  })
})

describe('a lost connection', () => {
  it('makes everything wait and goes on by itself, without one failure', async () => {
    let isDown = false
    const { server, queue } = await start(() => (isDown ? 'drop' : undefined))
    queue.add(filesOf(30))
    await until(() => queue.totals.added > 3)
    isDown = true
    await until(() => queue.holds.has('network'))
    await setTimeout(50)
    isDown = false
    await until(() => queue.isIdle)
    assert.deepEqual([queue.totals.added, queue.totals.failed], [30, 0])
    assert.equal(completed(server).length, 30)
  })

  it('ends at once when the browser says that the network is back', async () => {
    let isDown = true
    const { queue } = await start(() => (isDown ? 'drop' : undefined), { probeAfter: () => 1e9 })
    queue.add(filesOf(1))
    await until(() => queue.holds.has('network'))
    isDown = false
    const again = setInterval(queue.tryNow, 5)
    await until(() => queue.isIdle)
    clearInterval(again)
    assert.equal(queue.totals.added, 1)
  })

  it('that only ever hits one file becomes the failure of that file', async () => {
    const { queue } = await start(({ method, upload }, { uploads }) =>
      method === 'PUT' && uploads.get(upload)?.filename === '0.jpg' ? 'drop' : undefined,
    )
    queue.add(filesOf(3))
    await until(() => queue.isIdle)
    assert.deepEqual([queue.totals.added, queue.totals.failed], [2, 1])
  })
})

describe('a session that ended', () => {
  it('makes everything wait for somebody to sign in', async () => {
    let isSignedIn = false
    let told = 0
    const { queue } = await start(
      ({ path }) =>
        isSignedIn || path.startsWith('/u/') ? undefined : { status: 401, body: { type: '/problems/unauthenticated' } },
      { onSessionEnded: () => told++ },
    )
    queue.add(filesOf(20))
    await until(() => queue.holds.has('session'))
    assert.equal(queue.totals.failed, 0)
    assert.equal(told, 1)
    isSignedIn = true
    queue.release('session')
    await until(() => queue.isIdle)
    assert.equal(queue.totals.added, 20)
  })
})

describe('cancelling', () => {
  it('removes what was begun from the server and forgets the rest', async () => {
    const { server, queue } = await start(({ method }) => (method === 'PUT' ? 'stall' : undefined))
    queue.add(filesOf(20))
    await until(() => server.puts().length > 0)
    await queue.cancelAll()
    assert.ok(queue.isIdle)
    assert.equal(queue.totals.files, 0)
    assert.ok([...server.uploads.values()].every((upload) => upload.state === 'aborted'))
  })

  it('a failed file takes it off the list', async () => {
    const { queue } = await start(({ path }) =>
      path === '/v1/uploads' ? { status: 415, body: { type: '/problems/unsupported-type' } } : undefined,
    )
    queue.add(filesOf(2))
    await until(() => queue.failed.size === 2)
    queue.clear()
    assert.deepEqual([queue.failed.size, queue.totals.failed, queue.totals.files], [0, 0, 0])
  })
})
