import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { createWorkerHasher, type HashingPort, serveHashing } from './worker-hasher.ts'

const bytes = new TextEncoder().encode('a photo')
const expected = createHash('sha256').update(bytes).digest('hex')
const hex = (digest: Uint8Array) => Buffer.from(digest).toString('hex')

/** The two ends of a worker, without the thread. */
function connect(): { page: HashingPort & { fail(): void }; worker: HashingPort } {
  const { port1, port2 } = new MessageChannel()
  const failures: (() => void)[] = []
  const portOf = (port: MessagePort): HashingPort & { fail(): void } => ({
    postMessage: (message) => port.postMessage(message),
    addEventListener(type: 'message' | 'error', listener: (event: MessageEvent) => void) {
      if (type === 'error') failures.push(listener as () => void)
      else port.onmessage = (event) => listener(event as MessageEvent)
      // A port of a test must not keep the process.
      if ('unref' in port && typeof port.unref === 'function') port.unref()
    },
    fail: () => {
      for (const failure of failures) failure()
    },
  })
  return { page: portOf(port1), worker: portOf(port2) }
}

/** What `promise` resolves with, while the ports alone would not keep the process alive. */
async function held<T>(promise: Promise<T>): Promise<T> {
  const hold = setInterval(() => undefined, 1000)
  return promise.finally(() => clearInterval(hold))
}

describe('a hasher in a worker', () => {
  it('answers with the digest', async () => {
    const { page, worker } = connect()
    serveHashing(worker)
    assert.equal(hex(await held(createWorkerHasher(page).digest('sha-256', new Blob([bytes])))), expected)
  })

  it('says that a file cannot be read as the browser says it', async () => {
    const { page, worker } = connect()
    worker.addEventListener('message', ({ data }) =>
      worker.postMessage({ id: data.id, failure: { name: 'NotReadableError', message: 'gone' } }),
    )
    await assert.rejects(held(createWorkerHasher(page).digest('sha-256', new Blob([bytes]))), {
      name: 'NotReadableError',
    })
  })

  it('hashes on the page when the worker cannot be loaded, also what was asked before', async () => {
    const { page } = connect()
    const hasher = createWorkerHasher(page)
    const before = hasher.digest('sha-256', new Blob([bytes]))
    page.fail()
    assert.equal(hex(await before), expected)
    assert.equal(hex(await hasher.digest('sha-256', new Blob([bytes]))), expected)
  })
})
