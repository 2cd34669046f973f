import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { ObjectStore } from '../engines/object-store/index.ts'
import { createDatabaseProxy } from '../testing/database-proxy.ts'
import { jpeg, sha256 } from '../testing/photos.ts'
import { createTestDatabase } from '../testing/postgres.ts'
import { startTestServer } from '../testing/server.ts'
import { complete, plan, putParts, storageOf } from '../testing/upload.ts'

test('an upload whose database goes away in the middle is answered 503, loses nothing and completes later', async () => {
  const database = await createTestDatabase()
  const proxy = await createDatabaseProxy(database.url)
  let beforeRead = (): unknown => undefined
  const server = await startTestServer(
    { DATABASE_URL: proxy.url },
    {
      store: (store) => {
        const get: ObjectStore['get'] = (...args) => {
          beforeRead()
          return store.get(...args)
        }
        return new Proxy(store, {
          get(target, name) {
            if (name === 'get') return get
            const value: unknown = Reflect.get(target, name)
            return typeof value === 'function' ? value.bind(target) : value
          },
        })
      },
    },
  )
  try {
    const ann = await server.register('ann')
    const bytes = jpeg(5000)
    const planned = await plan(ann, bytes, { sha256: sha256(bytes) })
    await putParts(planned.body, bytes)

    // Between the look at the store and the commit.
    beforeRead = () => proxy.cut()
    const refused = await complete(ann, planned.body.id)
    assert.equal(refused.status, 503)
    assert.equal(refused.body.type, '/problems/unavailable')
    assert.ok(Number(refused.headers.get('retry-after')) > 0)
    assert.equal((await fetch(`${server.address}/readyz`)).status, 503)
    assert.equal((await plan(ann, bytes)).status, 503)
    assert.equal((await fetch(`${server.address}/healthz`)).status, 200)

    beforeRead = () => undefined
    proxy.mend()
    const completed = await complete(ann, planned.body.id)
    assert.equal(completed.status, 201)
    assert.equal(completed.body.asset.sha256, sha256(bytes))
    assert.equal((await fetch(`${server.address}/readyz`)).status, 200)
    assert.deepEqual(await storageOf(ann), { usedBytes: 5000, reservedBytes: 0, limitBytes: 2 ** 40 })
    // The worker comes back too. A job that met a connection that was dead already is tried again some seconds later.
    const stateOf = async () => (await ann.call('GET', `/v1/assets/${completed.body.asset.id}`)).body.state
    const deadline = Date.now() + 30_000
    while ((await stateOf()) !== 'ready') {
      assert.ok(Date.now() < deadline, 'the worker did not come back')
      await delay(100)
    }
  } finally {
    await server.close()
    await proxy.close()
    await database.drop()
  }
})
