import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, afterEach, describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { createClient } from '../client.ts'
import type { Hasher } from '../hashing.ts'
import { createNodeHasher, createNodeTransport } from '../node.ts'
import { ApiProblem } from '../problem.ts'
import { assetOf, type ScriptedServer, type ServerOptions, startScriptedServer } from '../testing.ts'
import type { UploadSource } from './source.ts'
import { createFetchTransport, type PutTransport } from './transport.ts'
import { createUploader, type UploaderOptions } from './uploader.ts'

const part = 64 * 1024
const servers: ScriptedServer[] = []
const nodeTransport = createNodeTransport()

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()))
})
after(() => nodeTransport.close())

async function start(options: ServerOptions = {}): Promise<ScriptedServer> {
  const server = await startScriptedServer(options)
  servers.push(server)
  return server
}

function uploaderFor(server: ScriptedServer, options: Partial<UploaderOptions> = {}) {
  return createUploader({
    client: createClient({ baseUrl: server.baseUrl, token: 'secret' }),
    hasher: createNodeHasher(),
    transport: nodeTransport,
    retry: { attempts: 6, baseMs: 5, capMs: 20 },
    ...options,
  })
}

function fileOf(bytes: Uint8Array<ArrayBuffer>, name = 'photo.jpg'): UploadSource {
  return new File([bytes], name, { type: 'image/jpeg', lastModified: 1 })
}

const random = (size: number) => new Uint8Array(randomBytes(size))

/** For what happens shortly after an upload is done. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setTimeout(5)
}

/** What the server keeps of the one upload that was completed. */
function storedBytes(server: ScriptedServer): Buffer {
  const upload = [...server.uploads.values()].find((one) => one.state === 'completed')
  assert.ok(upload, 'nothing was completed')
  const parts = [...upload.parts].sort(([a], [b]) => a - b)
  return Buffer.concat(parts.map(([, bytes]) => bytes))
}

const transports: [string, PutTransport][] = [
  ['node:http', nodeTransport],
  ['fetch', createFetchTransport()],
]

for (const [name, transport] of transports) {
  describe(`uploading over ${name}`, () => {
    it('puts every part with its checksum and exact length, several at once', async () => {
      const second = Promise.withResolvers<undefined>()
      const server = await start({
        // The first part is held back until another one comes.
        script({ method }, { requests }) {
          if (method !== 'PUT') return undefined
          if (requests.filter((request) => request.method === 'PUT').length > 1) second.resolve(undefined)
          return second.promise
        },
      })
      const bytes = random(part * 9 + 17)
      const outcome = await uploaderFor(server, { transport }).add(fileOf(bytes)).done
      assert.equal(outcome.state, 'completed')
      assert.deepEqual(storedBytes(server), Buffer.from(bytes))
    })

    it('goes on after 503, broken connections and lost answers', async () => {
      const server = await start({
        script: ({ method, part: number, earlier }) => {
          if (method !== 'PUT' || earlier > 0) return undefined
          return [undefined, { status: 503 }, 'drop', 'lose-answer', { status: 500 }][number % 5] as never
        },
      })
      const bytes = random(part * 10)
      const outcome = await uploaderFor(server, { transport }).add(fileOf(bytes)).done
      assert.equal(outcome.state, 'completed')
      assert.deepEqual(storedBytes(server), Buffer.from(bytes))
    })
  })
}

describe('checksums of parts', () => {
  it('are sent as Content-MD5 where the endpoint wants that', async () => {
    const server = await start({ checksum: 'md5' })
    assert.equal((await uploaderFor(server).add(fileOf(random(part * 2))).done).state, 'completed')
    assert.ok(server.puts().every((put) => put.headers['content-md5'] !== undefined))
  })

  it('are left out where the endpoint verifies none', async () => {
    const server = await start({ checksum: null })
    assert.equal((await uploaderFor(server).add(fileOf(random(part * 2))).done).state, 'completed')
    assert.ok(server.puts().every((put) => put.headers['content-md5'] === undefined && !put.headers['content-digest']))
  })

  it('make a part that arrived damaged be sent again', async () => {
    const server = await start({
      script: ({ method, earlier }) =>
        method === 'PUT' && earlier === 0 ? { status: 422, body: { type: '/problems/checksum-mismatch' } } : undefined,
    })
    assert.equal((await uploaderFor(server).add(fileOf(random(part))).done).state, 'completed')
  })
})

describe('endpoints', () => {
  it('are changed part by part when the first is broken, which is then left alone', async () => {
    const server = await start({
      endpoints: ['direct', 'edge-icn'],
      script: ({ endpoint }) => (endpoint === 'direct' ? 'drop' : undefined),
    })
    const outcome = await uploaderFor(server, { concurrency: { parts: 2 } }).add(fileOf(random(part * 20))).done
    assert.equal(outcome.state, 'completed')
    const broken = server.puts().filter((put) => put.endpoint === 'direct')
    assert.ok(broken.length <= 2, `the broken endpoint was tried ${broken.length} times`)
  })

  it('that stand still are given up', { timeout: 20_000 }, async () => {
    const server = await start({
      endpoints: ['direct', 'edge-icn'],
      script: ({ endpoint }) => (endpoint === 'direct' ? 'stall' : undefined),
    })
    const uploader = uploaderFor(server, { stallTimeout: 0.2 })
    assert.equal((await uploader.add(fileOf(random(part * 2))).done).state, 'completed')
    await until(() => server.telemetry.length > 0)
    assert.ok(server.telemetry.some(({ outcome, endpoint }) => outcome === 'stalled' && endpoint === 'direct'))
  })

  it('that ask for time get it', async () => {
    const started = Date.now()
    const server = await start({
      script: ({ method, earlier }) =>
        method === 'PUT' && earlier === 0 ? { status: 503, headers: { 'retry-after': '1' } } : undefined,
    })
    assert.equal((await uploaderFor(server).add(fileOf(random(part))).done).state, 'completed')
    assert.ok(Date.now() - started >= 1000)
  })
})

describe('signed URLs', () => {
  it('are renewed when they expired', async () => {
    const server = await start({
      script: ({ method, path }) =>
        method === 'PUT' && path.endsWith('signature=1')
          ? { status: 403, body: { type: '/problems/link-expired' } }
          : undefined,
    })
    const outcome = await uploaderFor(server).add(fileOf(random(part * 5))).done
    assert.equal(outcome.state, 'completed')
    const renewals = server.requests.filter((request) => request.path.includes('/parts?'))
    assert.equal(renewals.length, 1, 'the parts share one renewal')
  })

  it('beyond those of the plan are fetched when they are needed', async () => {
    const server = await start({ partSize: 1024, signedAtOnce: 10 })
    const bytes = random(1024 * 250)
    assert.equal((await uploaderFor(server).add(fileOf(bytes)).done).state, 'completed')
    assert.deepEqual(storedBytes(server), Buffer.from(bytes))
    assert.equal(server.requests.filter((request) => request.path.includes('/parts?')).length, 3)
  })

  it('that had been used (412) count as stored', async () => {
    const server = await start({
      script: (request) => {
        if (request.method !== 'PUT' || request.part !== 1) return undefined
        return request.earlier === 0 ? 'lose-answer' : { status: 412, body: { type: '/problems/already-stored' } }
      },
    })
    assert.equal((await uploaderFor(server).add(fileOf(random(part * 2))).done).state, 'completed')
  })
})

describe('completion', () => {
  it('is repeated when its answer was lost, and makes one asset', async () => {
    const server = await start({
      script: ({ path, earlier }) => (path.endsWith('/complete') && earlier === 0 ? 'lose-answer' : undefined),
    })
    assert.equal((await uploaderFor(server).add(fileOf(random(part))).done).state, 'completed')
    assert.equal(server.assets.length, 1)
  })

  it('sends again what the store turns out to miss', async () => {
    const server = await start({
      script: ({ path, earlier }, { uploads }) => {
        if (path.endsWith('/complete') && earlier === 0) for (const upload of uploads.values()) upload.parts.delete(2)
        return undefined
      },
    })
    const bytes = random(part * 3)
    assert.equal((await uploaderFor(server).add(fileOf(bytes)).done).state, 'completed')
    assert.deepEqual(storedBytes(server), Buffer.from(bytes))
    assert.equal(server.puts().length, 4)
  })

  it('that finds damaged bytes plans once more', async () => {
    const server = await start({
      script: ({ path, earlier }, { uploads }) => {
        if (path.endsWith('/complete') && earlier === 0 && uploads.size === 1) {
          for (const upload of uploads.values()) upload.parts.set(1, Buffer.from('damaged'))
        }
        return undefined
      },
    })
    assert.equal((await uploaderFor(server).add(fileOf(random(part))).done).state, 'completed')
    assert.equal(server.uploads.size, 2)
  })

  it('fails with the sentence of the server when the bytes are not what they claim', async () => {
    const body = { type: '/problems/content-mismatch', title: 'Not a photo', detail: 'This is a web page.' }
    const server = await start({
      script: ({ path }) => (path.endsWith('/complete') ? { status: 422, body } : undefined),
    })
    const outcome = await uploaderFor(server).add(fileOf(random(part))).done
    assert.ok(outcome.state === 'failed' && outcome.error instanceof ApiProblem)
    assert.equal(outcome.error.detail, 'This is a web page.')
  })
})

describe('a plan', () => {
  it('whose answer was lost is found again by its idempotency key', async () => {
    const server = await start({
      script: ({ path, earlier }) => (path === '/v1/uploads' && earlier === 0 ? 'lose-answer' : undefined),
    })
    assert.equal((await uploaderFor(server).add(fileOf(random(part))).done).state, 'completed')
    assert.equal(server.uploads.size, 1)
  })

  it('of a file the account has sends nothing', async () => {
    const server = await start()
    const uploader = uploaderFor(server)
    const bytes = random(part)
    await uploader.add(fileOf(bytes)).done
    const second = await uploader.add(fileOf(bytes, 'copy.jpg')).done
    assert.equal(second.state, 'duplicate')
    assert.equal(server.puts().length, 1)
  })

  it('of a guest leaves the trash alone, which is not theirs', async () => {
    const server = await start()
    const bytes = random(part)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    server.assets.push({ ...assetOf({ filename: 'a', size: part, sha256 }), trashedAt: '2026-01-01T00:00:00Z' })
    const { link, uploads } = createClient({ baseUrl: server.baseUrl, token: 'secret' })
    const outcome = await uploaderFor(server, { client: { ...link('token'), uploads } }).add(fileOf(bytes)).done
    assert.equal(outcome.state, 'duplicate')
    assert.ok(!server.requests.some((request) => request.path.endsWith('/restore')))
  })

  it('of a file in the trash takes it out of there', async () => {
    const server = await start()
    const bytes = random(part)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    server.assets.push({ ...assetOf({ filename: 'a', size: part, sha256 }), trashedAt: '2026-01-01T00:00:00Z' })
    const outcome = await uploaderFor(server).add(fileOf(bytes)).done
    assert.equal(outcome.state, 'restored')
    assert.ok(server.requests.some((request) => request.path.endsWith('/restore')))
  })

  it('that the quota forbids fails at once and says so', async () => {
    const body = { type: '/problems/quota-exceeded', title: 'Full', detail: 'No storage left.' }
    const server = await start({ script: ({ path }) => (path === '/v1/uploads' ? { status: 413, body } : undefined) })
    const outcome = await uploaderFor(server).add(fileOf(random(part))).done
    assert.ok(outcome.state === 'failed' && outcome.error instanceof ApiProblem)
    assert.equal(outcome.error.code, 'quota-exceeded')
    assert.equal(server.requests.length, 1)
  })
})

describe('interruptions', () => {
  it('pausing keeps what is stored and resuming sends the rest', async () => {
    const held = Promise.withResolvers<void>()
    const server = await start({
      script: ({ method, part: number, earlier }) => {
        if (method !== 'PUT' || number !== 3 || earlier > 0) return undefined
        held.resolve()
        return 'stall'
      },
    })
    const bytes = random(part * 4)
    const task = uploaderFor(server, { concurrency: { parts: 1 } }).add(fileOf(bytes))
    await held.promise
    await task.pause()
    assert.equal(task.progress().state, 'paused')
    assert.equal(task.progress().uploadedBytes, part * 2)
    task.resume()
    assert.equal((await task.done).state, 'completed')
    assert.deepEqual(storedBytes(server), Buffer.from(bytes))
    assert.equal(server.puts().filter((put) => put.part < 3).length, 2)
  })

  it('a second program continues from what the server holds', async () => {
    let isBroken = true
    const server = await start({
      script: ({ method, part: number }) => (method === 'PUT' && number > 2 && isBroken ? { status: 500 } : undefined),
    })
    const memory = new Map<string, string>()
    const resumeStore = {
      get: async (key: string) => memory.get(key) ?? null,
      set: async (key: string, id: string) => void memory.set(key, id),
      delete: async (key: string) => void memory.delete(key),
    }
    const bytes = random(part * 4)
    const first = uploaderFor(server, { resumeStore, concurrency: { parts: 1 }, retry: { attempts: 1 } })
    assert.equal((await first.add(fileOf(bytes)).done).state, 'failed')
    isBroken = false
    const second = uploaderFor(server, { resumeStore })
    assert.equal((await second.add(fileOf(bytes)).done).state, 'completed')
    assert.deepEqual(storedBytes(server), Buffer.from(bytes))
    assert.equal(server.puts().filter((put) => put.part <= 2).length, 2, 'nothing was sent twice')
    assert.equal(memory.size, 0)
  })

  it('an upload that the server no longer has is planned anew', async () => {
    const server = await start()
    const resumeStore = { get: async () => 'gone', set: async () => undefined, delete: async () => undefined }
    const outcome = await uploaderFor(server, { resumeStore }).add(fileOf(random(part))).done
    assert.equal(outcome.state, 'completed')
  })

  it('cancelling removes the upload from the server', async () => {
    const held = Promise.withResolvers<void>()
    const server = await start({
      script: ({ method }) => {
        if (method !== 'PUT') return undefined
        held.resolve()
        return 'stall'
      },
    })
    const task = uploaderFor(server).add(fileOf(random(part)))
    await held.promise
    await task.cancel()
    assert.equal((await task.done).state, 'cancelled')
    assert.deepEqual(
      [...server.uploads.values()].map((upload) => upload.state),
      ['aborted'],
    )
  })

  it('a failed task can be tried again', async () => {
    let isDown = true
    const server = await start({ script: ({ method }) => (method === 'PUT' && isDown ? 'drop' : undefined) })
    const task = uploaderFor(server, { retry: { attempts: 2, baseMs: 1 } }).add(fileOf(random(part * 2)))
    assert.equal((await task.done).state, 'failed')
    isDown = false
    task.resume()
    assert.equal((await task.done).state, 'completed')
  })
})

describe('progress and reports', () => {
  it('passes through the states and ends with all bytes', async () => {
    const server = await start()
    const task = uploaderFor(server).add(fileOf(random(part * 3)))
    const states: string[] = []
    task.subscribe(({ state }) => {
      if (states.at(-1) !== state) states.push(state)
    })
    await task.done
    assert.deepEqual(states, ['hashing', 'planning', 'uploading', 'verifying', 'completed'])
    assert.equal(task.progress().uploadedBytes, part * 3)
    assert.equal(task.progress().hashedBytes, part * 3)
  })

  it('an upload does not fail because its report does', async () => {
    const server = await start({ script: ({ path }) => (path.endsWith('/telemetry') ? { status: 500 } : undefined) })
    assert.equal((await uploaderFor(server).add(fileOf(random(part))).done).state, 'completed')
  })

  it('files are read for their hash one after the other, so that the first is soon on its way', async () => {
    const server = await start()
    const native = createNodeHasher()
    let atOnce = 0
    let most = 0
    const hasher: Hasher = {
      async digest(...job) {
        most = Math.max(most, ++atOnce)
        await setTimeout(1)
        return native.digest(...job).finally(() => atOnce--)
      },
    }
    const uploader = uploaderFor(server, { hasher, concurrency: { files: 4, hashing: 1 } })
    // Of one byte, so that their parts need no hash of their own.
    const tasks = Array.from({ length: 8 }, (_, index) => uploader.add(fileOf(random(1), `${index}.jpg`)))
    await Promise.all(tasks.map((task) => task.done))
    assert.equal(most, 1)
  })

  it('many files share the limit of parts', async () => {
    const server = await start()
    const uploader = uploaderFor(server, { concurrency: { files: 6, parts: 3 } })
    const tasks = Array.from({ length: 30 }, (_, index) => uploader.add(fileOf(random(1000 + index), `${index}.jpg`)))
    const outcomes = await Promise.all(tasks.map((task) => task.done))
    assert.ok(outcomes.every((outcome) => outcome.state === 'completed'))
    assert.ok(server.mostAtOnce <= 3, `${server.mostAtOnce} parts at once`)
  })
})
