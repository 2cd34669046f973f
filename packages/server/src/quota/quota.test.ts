import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { examine } from '../doctor/index.ts'
import { jpeg } from '../testing/photos.ts'
import { startTestServer, type TestAccount, type TestServer } from '../testing/server.ts'
import { complete, plan, putParts, storageOf } from '../testing/upload.ts'

const size = 10_000
const fitting = 7
/** Room for seven, and something that is not enough for an eighth. */
const limit = fitting * size + size - 1
const clients = 100

describe('the storage quota', () => {
  let server: TestServer
  let accounts = 0

  before(async () => {
    server = await startTestServer({ STORAGE_LIMIT: String(limit) })
  })
  after(() => server.close())

  const newAccount = () => {
    accounts += 1
    return server.register(`anna${accounts}`)
  }

  /** Looks at the numbers of the account all the time while `work` runs. */
  async function watching<T>(account: TestAccount, work: () => Promise<T>): Promise<T> {
    let isOver = false
    let looks = 0
    const watch = async () => {
      while (!isOver) {
        const { rows } = await server.engines.pool.query<{ taken: number }>(
          'select used_bytes + reserved_bytes as taken from storage_quota where account_id = $1',
          [account.id],
        )
        looks += 1
        assert.ok((rows[0]?.taken ?? 0) <= limit, `${rows[0]?.taken} of ${limit} bytes are taken`)
        await delay(1)
      }
    }
    const [result] = await Promise.all([
      work().finally(() => {
        isOver = true
      }),
      watch(),
    ])
    assert.ok(looks > 3)
    return result
  }

  function each<T>(work: (index: number) => Promise<T>): Promise<T[]> {
    return Promise.all(Array.from({ length: clients }, (_, index) => work(index)))
  }

  async function assertAgreement(account: TestAccount, usedBytes: number): Promise<void> {
    assert.deepEqual(await storageOf(account), { usedBytes, reservedBytes: 0, limitBytes: limit })
    const { findings } = await examine(server.engines)
    assert.deepEqual(findings, [])
  }

  it('lets exactly as many of 100 direct uploads through as fit, and is never exceeded', async () => {
    const account = await newAccount()
    const statuses = await watching(account, () =>
      each(async () => {
        const bytes = jpeg(size)
        const planned = await plan(account, bytes)
        if (planned.status !== 201) return planned.status
        await putParts(planned.body, bytes)
        return (await complete(account, planned.body.id)).status
      }),
    )
    assert.deepEqual(countOf(statuses), { 201: fitting, 413: clients - fitting })
    await assertAgreement(account, fitting * size)
  })

  it('lets exactly as many of 100 streams of unknown length through as fit, and is never exceeded', async () => {
    const account = await newAccount()
    const statuses = await watching(account, () =>
      each(async () => {
        const body = new Blob([new Uint8Array(jpeg(size))]).stream()
        return (await account.call('POST', '/v1/assets?filename=a.jpg', body, { 'content-type': 'image/jpeg' })).status
      }),
    )
    assert.deepEqual(countOf(statuses), { 201: fitting, 413: clients - fitting })
    await server.settleJobs()
    await assertAgreement(account, fitting * size)
  })

  it('is exact after aborts and failures of many that come at once', async () => {
    const account = await newAccount()
    const statuses = await watching(account, () =>
      each(async (index) => {
        const bytes = index % 3 === 0 ? Buffer.alloc(size / 10) : jpeg(size / 10)
        const planned = await plan(account, bytes)
        if (planned.status !== 201) return planned.status
        await putParts(planned.body, bytes)
        if (index % 3 === 1) return (await account.call('DELETE', `/v1/uploads/${planned.body.id}`)).status
        return (await complete(account, planned.body.id)).status
      }),
    )
    const counts = countOf(statuses)
    assert.deepEqual(
      Object.keys(counts).filter((status) => !['201', '204', '413', '422'].includes(status)),
      [],
    )
    await server.settleJobs()
    await assertAgreement(account, ((counts[201] ?? 0) * size) / 10)
  })

  it('has 50 completions at once make one asset, counted once', async () => {
    const account = await newAccount()
    const bytes = jpeg(size)
    const planned = await plan(account, bytes)
    await putParts(planned.body, bytes)
    const answers = await watching(account, () =>
      Promise.all(Array.from({ length: 50 }, () => complete(account, planned.body.id))),
    )
    assert.deepEqual(countOf(answers.map(({ status }) => status)), { 200: 49, 201: 1 })
    assert.equal(new Set(answers.map(({ body }) => body.asset.id)).size, 1)
    await assertAgreement(account, size)
  })

  it('has one asset made by completions in two processes at once', async () => {
    const other = await startTestServer({
      STORAGE_LIMIT: String(limit),
      DATABASE_URL: server.databaseUrl,
      DATA_DIR: server.dataDir,
    })
    try {
      const account = await newAccount()
      for (let round = 0; round < 5; round += 1) {
        const bytes = jpeg(size)
        const planned = await plan(account, bytes, { strategy: round % 2 === 0 ? 'single' : 'multipart' })
        await putParts(planned.body, bytes)
        const path = `/v1/uploads/${planned.body.id}/complete`
        const answers = await Promise.all(
          Array.from({ length: 10 }, (_, index) =>
            account.call('POST', `${index % 2 === 0 ? server.address : other.address}${path}`, {}),
          ),
        )
        assert.deepEqual(countOf(answers.map(({ status }) => status)), { 200: 9, 201: 1 })
        assert.equal(new Set(answers.map(({ body }) => body.asset.id)).size, 1)
      }
      await assertAgreement(account, 5 * size)
    } finally {
      await other.close()
    }
  })
})

function countOf(statuses: number[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1
  return counts
}
