import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { jpeg } from '../testing/photos.ts'
import { startTestServer, type TestAccount, type TestServer } from '../testing/server.ts'
import { upload } from '../testing/upload.ts'
import { createPace } from '../uploads/index.ts'

describe('the lanes of renditions', () => {
  let server: TestServer
  let ann: TestAccount
  let bob: TestAccount

  before(async () => {
    server = await startTestServer()
    ann = await server.register('ann')
    bob = await server.register('bob')
  })
  after(() => server.close())

  const waiting = async () => {
    const { rows } = await server.engines.pool.query<{ count: number }>(
      `select count(*)::int as count from graphile_worker.jobs where task_identifier = 'asset:process-bulk'`,
    )
    return rows[0]?.count ?? 0
  }

  const isReady = async (id: string) => (await ann.call('GET', `/v1/assets/${id}`)).body.state === 'ready'

  it('bring a photo that somebody waits for before a library that waits, and go on with the library meanwhile', async () => {
    const library = await upload(bob, jpeg(5_000))
    await server.settleJobs()
    const { jobs, db } = server.engines
    const all = Array.from({ length: 200 }, (_, number) => ({
      payload: { assetId: library.id, rebuild: true },
      key: `import:${number}`,
    }))
    await jobs.enqueueAll(db, 'asset:process-bulk', all, { priority: 10 })

    const left: number[] = []
    while (left.length === 0 || (left.at(-1) ?? 0) > 170) {
      const photo = await upload(ann, jpeg(1_000 + left.length))
      while (!(await isReady(photo.id))) await new Promise((resolve) => setTimeout(resolve, 5))
      left.push(await waiting())
    }
    assert.ok((left[0] ?? 0) > 150, `only ${left[0]} of the library were left when the first photo was ready`)
    assert.ok(left.length > 3, `the library went on, but not beside single photos: ${left}`)
    await jobs.cancel(
      db,
      all.map(({ key }) => key),
    )
    await server.settleJobs()
  })

  it('take an account that sends a whole library for one, and its single photos not', () => {
    let now = 0
    const pace = createPace(() => now)
    const first = Array.from({ length: 200 }, () => pace.isBulk('bob'))
    assert.deepEqual([first.slice(0, 30).includes(true), first.slice(30).includes(false)], [false, false])
    assert.equal(pace.isBulk('ann'), false, 'nobody else is taken for one')
    now += 120_000
    assert.equal(pace.isBulk('bob'), false)
  })
})
