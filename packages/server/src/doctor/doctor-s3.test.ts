/** The doctor on a real S3, where everything is asked over the network and nothing can be seen in a folder. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { after, before, beforeEach, describe, it } from 'node:test'
import { jpeg } from '../testing/photos.ts'
import { stores } from '../testing/s3-and-files.ts'
import { startTestServer, type TestAccount, type TestServer } from '../testing/server.ts'
import { plan, upload } from '../testing/upload.ts'
import { type DoctorDeps, type ExaminationOptions, examine, type FindingKind } from './index.ts'

const s3 = stores.find(({ name }) => name === 'S3')

describe('the doctor on S3', { skip: s3?.skip ?? false }, () => {
  let server: TestServer
  let anna: TestAccount

  before(async () => {
    server = await startTestServer(s3?.environment())
    anna = await server.register('anna')
  })
  after(() => server?.close())
  beforeEach(async () => assert.deepEqual(await look({ checksum: true }), []))

  async function look(options: ExaminationOptions = {}, deps: Partial<DoctorDeps> = {}) {
    const { findings } = await examine({ ...server.engines, ...deps }, options)
    return findings.map(({ kind, count, repaired }) => [kind, count, repaired])
  }

  async function findsAndRepairs(kind: FindingKind, options: ExaminationOptions = {}, deps: Partial<DoctorDeps> = {}) {
    assert.deepEqual(await look(options, deps), [[kind, 1, 0]])
    assert.deepEqual(await look({ ...options, repair: true }, deps), [[kind, 1, 1]])
    await server.settleJobs()
    assert.deepEqual(await look(options, deps), [])
  }

  async function uploaded(bytes: Buffer): Promise<string> {
    const asset = await upload(anna, bytes)
    await server.settleJobs()
    const { object_key: key } = await server.engines.db
      .selectFrom('asset')
      .select('object_key')
      .where('id', '=', asset.id)
      .executeTakeFirstOrThrow()
    return key
  }

  const put = (key: string, bytes: Buffer) =>
    server.engines.store.put(key, Readable.from([bytes]), { contentType: 'image/jpeg', size: bytes.length })

  it('finds an object that is missing', async () => {
    await server.engines.store.delete(await uploaded(jpeg(1_000)))
    await findsAndRepairs('asset-missing')
  })

  it('finds an object of another size, and by reading it one of other bytes', async () => {
    for (const [other, options] of [
      [jpeg(900), {}],
      [jpeg(1_000), { checksum: true }],
    ] as const) {
      const key = await uploaded(jpeg(1_000))
      await server.engines.store.delete(key)
      await put(key, other)
      await findsAndRepairs('asset-damaged', options)
    }
  })

  it('finds an object that belongs to nothing', async () => {
    const key = `originals/${randomBytes(16).toString('hex')}`
    await put(key, jpeg(1_000))
    await findsAndRepairs('object-unknown')
    assert.equal(await server.engines.store.head(key), null)
  })

  it('finds a multipart that belongs to nothing, and leaves that of an upload that goes on', async () => {
    const planned = await plan(anna, jpeg(1_000), { strategy: 'multipart' })
    const key = `originals/${randomBytes(16).toString('hex')}`
    await server.engines.store.createMultipart(key, { contentType: 'image/jpeg' })
    assert.deepEqual(await look({ repair: true }), [], 'it is too young to be wrong')
    await findsAndRepairs('multipart-unknown', {}, { now: () => new Date(Date.now() + 7_200_000) })
    assert.equal((await anna.call('GET', `/v1/uploads/${planned.body.id}`)).body.state, 'uploading')
    await anna.call('DELETE', `/v1/uploads/${planned.body.id}`)
    await server.settleJobs()
  })
})
