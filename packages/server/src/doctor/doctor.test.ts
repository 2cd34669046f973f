import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { open, readFile, stat, truncate, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, before, beforeEach, describe, it } from 'node:test'
import { sql } from 'kysely'
import { createLayout } from '../engines/object-store/file/layout.ts'
import type { ObjectStore } from '../engines/object-store/index.ts'
import { giveUpObjects } from '../purge/index.ts'
import { takeRenditions } from '../renditions/index.ts'
import { jpeg, sha256 } from '../testing/photos.ts'
import { type Json, startTestServer, type TestAccount, type TestServer } from '../testing/server.ts'
import { plan, putParts, storageOf, upload } from '../testing/upload.ts'
import { type Examination, type ExaminationOptions, examine, type FindingKind } from './index.ts'

describe('the doctor', () => {
  let server: TestServer
  let anna: TestAccount
  let store: ObjectStore

  before(async () => {
    server = await startTestServer()
    anna = await server.register('anna')
    store = server.engines.store
  })
  after(() => server.close())
  beforeEach(async () => {
    await server.settleJobs()
    const examination = await look()
    assert.deepEqual(examination.findings, [], 'a test began with something wrong')
  })

  const look = (options: ExaminationOptions = {}) => examine(server.engines, options)

  /** Finds exactly this, repairs it, and then finds nothing. */
  async function findsAndRepairs(kind: FindingKind, options: ExaminationOptions = {}): Promise<Examination> {
    const found = await look(options)
    assert.deepEqual(summary(found), [[kind, 1, 0]])
    assert.equal(found.ok, false)
    const repaired = await look({ ...options, repair: true })
    assert.deepEqual(summary(repaired), [[kind, 1, 1]])
    assert.equal(repaired.ok, true)
    await server.settleJobs()
    const again = await look(options)
    assert.deepEqual(summary(again), [])
    assert.equal(again.ok, true)
    return found
  }

  async function pathOf(assetId: string): Promise<string> {
    const { object_key: key } = await rowOf(assetId)
    return createLayout(join(server.dataDir, 'files')).objectPath(key)
  }

  const rowOf = (assetId: string) =>
    server.engines.db.selectFrom('asset').selectAll().where('id', '=', assetId).executeTakeFirstOrThrow()

  it('finds nothing wrong in a healthy library, and counts what it compared', async () => {
    await Promise.all([upload(anna), upload(anna), upload(anna)])
    await server.settleJobs()
    const examination = await look({ checksum: true })
    assert.equal(examination.ok, true)
    assert.deepEqual(examination.findings, [])
    assert.equal(examination.compared.assets, 3)
    assert.equal(examination.compared.objects, 6, 'each has a thumb')
    assert.equal(examination.compared.renditions, 3)
    assert.equal(examination.compared.bytesRead, 3000)
  })

  it('finds a deleted file, marks its asset as failed, and keeps its row', async () => {
    const asset = await upload(anna)
    await server.settleJobs()
    await unlink(await pathOf(asset.id))
    const found = await findsAndRepairs('asset-missing')
    assert.match(
      found.findings[0]?.examples[0]?.detail ?? '',
      /"photo\.jpg" of anna \(asset .*\): its object .* is gone/,
    )
    const { body } = await anna.call('GET', `/v1/assets/${asset.id}`)
    assert.deepEqual([body.state, body.failure], ['failed', 'original-missing'])
    assert.equal((await look()).lost, 1)
    await purge(asset)
  })

  it('finds a file that was cut short and one with a changed bit, and keeps what is left of them', async () => {
    for (const [harm, options] of [
      [async (path: string) => truncate(path, 500), {}],
      [flipBit, { checksum: true }],
    ] as const) {
      const asset = await upload(anna, jpeg(1000))
      await server.settleJobs()
      const path = await pathOf(asset.id)
      await harm(path)
      await findsAndRepairs('asset-damaged', options)
      const { body } = await anna.call('GET', `/v1/assets/${asset.id}`)
      assert.deepEqual([body.state, body.failure], ['failed', 'original-damaged'])
      assert.ok((await stat(path)).size >= 500)
      await purge(asset)
    }
  })

  it('sees a changed bit only when it is asked to read', async () => {
    const asset = await upload(anna)
    await server.settleJobs()
    const path = await pathOf(asset.id)
    await flipBit(path)
    assert.deepEqual(summary(await look()), [])
    await flipBit(path)
    assert.deepEqual(summary(await look({ checksum: true })), [])
    await purge(asset)
  })

  it('takes the mark away when a person has put the file back', async () => {
    const bytes = jpeg(2000)
    const asset = await upload(anna, bytes)
    await server.settleJobs()
    const path = await pathOf(asset.id)
    await unlink(path)
    await findsAndRepairs('asset-missing')
    await writeFile(path, bytes)
    await findsAndRepairs('asset-recovered')
    assert.equal((await anna.call('GET', `/v1/assets/${asset.id}`)).body.state, 'ready')
    await purge(asset)
  })

  it('leaves the mark when what was put back is something else', async () => {
    const asset = await upload(anna, jpeg(2000))
    await server.settleJobs()
    const path = await pathOf(asset.id)
    await unlink(path)
    await findsAndRepairs('asset-missing')
    await writeFile(path, jpeg(2000))
    assert.deepEqual(summary(await look()), [])
    assert.equal((await look()).lost, 1)
    await purge(asset)
  })

  it('has a lost file made whole by uploading it again, in the same asset', async () => {
    const bytes = jpeg(3000)
    const asset = await upload(anna, bytes)
    await server.settleJobs()
    await unlink(await pathOf(asset.id))
    await findsAndRepairs('asset-missing')
    const before = await storageOf(anna)

    const planned = await plan(anna, bytes, { sha256: sha256(bytes) })
    assert.equal(planned.status, 201, 'a file that is lost is no duplicate')
    await putParts(planned.body, bytes)
    const completed = await anna.call('POST', `/v1/uploads/${planned.body.id}/complete`, {})
    assert.equal(completed.body.asset.id, asset.id)
    await server.settleJobs()
    const { body } = await anna.call('GET', `/v1/assets/${asset.id}`)
    assert.deepEqual([body.state, body.failure], ['ready', null])
    const original = await fetch(body.urls.original)
    assert.equal(sha256(Buffer.from(await original.arrayBuffer())), sha256(bytes))
    assert.deepEqual(await storageOf(anna), before)
    assert.deepEqual(summary(await look({ checksum: true })), [])
    await purge(asset)
  })

  it('finds a stray object and gives it up, and removes nothing that a row refers to', async () => {
    const asset = await upload(anna)
    const planned = await plan(anna, jpeg(700))
    await putParts(planned.body, jpeg(700))
    const key = `originals/${randomBytes(16).toString('hex')}`
    await store.put(key, Readable.from([Buffer.from('stray')]), { contentType: 'image/jpeg' })
    await findsAndRepairs('object-unknown')
    assert.equal(await store.head(key), null)
    assert.ok(await stat(await pathOf(asset.id)))
    assert.equal((await anna.call('POST', `/v1/uploads/${planned.body.id}/complete`, {})).status, 201)
    await server.settleJobs()
  })

  it('finds a multipart without a row once it is an hour old, and calls a younger one pending', async () => {
    const key = `originals/${randomBytes(16).toString('hex')}`
    const uploadId = await store.createMultipart(key, { contentType: 'video/mp4' })
    const young = await look({ repair: true })
    assert.deepEqual(summary(young), [])
    assert.equal(young.pending.multiparts, 1)
    const description = join(server.dataDir, 'files', 'multipart', uploadId, 'upload.json')
    const old = { ...JSON.parse(await readFile(description, 'utf8')), initiatedAt: new Date(Date.now() - 3_700_000) }
    await writeFile(description, JSON.stringify(old))
    await findsAndRepairs('multipart-unknown')
  })

  it('leaves the multipart of an upload that goes on', async () => {
    const planned = await plan(anna, jpeg(900), { strategy: 'multipart' })
    const later = () => new Date(Date.now() + 7_200_000)
    const examination = await examine({ ...server.engines, now: later }, { repair: true })
    assert.deepEqual(summary(examination), [])
    await putParts(planned.body, jpeg(900))
    await anna.call('DELETE', `/v1/uploads/${planned.body.id}`)
  })

  it('finds months of a timeline that are not what they count, and counts them anew', async () => {
    await upload(anna, jpeg(1_000), { capturedAt: '2019-05-05T00:00:00Z' })
    await server.settleJobs()
    const wrong = sql`insert into timeline_change values (${anna.id}, '2019-05-01', 1, 0, 0, 0)`
    await wrong.execute(server.engines.db)
    const { findings } = await findsAndRepairs('timeline-wrong')
    assert.match(findings[0]?.examples[0]?.detail ?? '', /^2019-05 .* counts 2, there are 1$/)
    const { body } = await anna.call('GET', '/v1/timeline')
    assert.equal(body.items.find(({ month }: Json) => month === '2019-05').count, 1)
  })

  it('finds quota numbers that are not what they count, and counts them anew', async () => {
    const open = await plan(anna, jpeg(4321))
    const before = await storageOf(anna)
    assert.equal(before.reservedBytes, 4321)
    for (const change of [
      sql`update storage_quota set used_bytes = used_bytes + 1`,
      sql`update storage_quota set reserved_bytes = 0`,
    ]) {
      await change.execute(server.engines.db)
      await findsAndRepairs('quota-wrong')
      assert.deepEqual(await storageOf(anna), before)
    }
    await anna.call('DELETE', `/v1/uploads/${open.body.id}`)
  })

  it('finds a deletion whose job gave up, and has it tried again', async () => {
    const asset = await upload(anna)
    await server.settleJobs()
    await sql`update asset set grants_until = now() - interval '1 day' where id = ${asset.id}`.execute(
      server.engines.db,
    )
    const { object_key: key } = await rowOf(asset.id)
    await server.engines.db.transaction().execute(async (tx) => {
      await giveUpObjects(server.engines.jobs, tx, await takeRenditions(tx, [asset.id]))
      await tx.deleteFrom('asset').where('id', '=', asset.id).execute()
      await sql`update storage_quota set used_bytes = used_bytes - 1000`.execute(tx)
      await tx
        .insertInto('object_deletion')
        .values({ object_key: key, reason: 'purge', sweep_until: new Date(0) })
        .execute()
      await sql`select graphile_worker.add_job('objects:delete', ${JSON.stringify({ keys: [key] })}::json,
        run_at := now() + interval '1 day')`.execute(tx)
    })
    await sql`select graphile_worker.permanently_fail_jobs(array(select id from graphile_worker.jobs
      where run_at > now() and task_identifier = 'objects:delete' order by id desc limit 1), 'the disk is gone')`.execute(
      server.engines.db,
    )
    const found = await findsAndRepairs('job-exhausted')
    assert.match(found.findings[0]?.examples[0]?.detail ?? '', /^objects:delete .*the disk is gone/)
    assert.equal(await store.head(key), null)
  })

  it('refuses to repair when store and database do not belong together', async () => {
    const keys = Array.from({ length: 12 }, () => `originals/${randomBytes(16).toString('hex')}`)
    const other = await startTestServer()
    try {
      for (const key of keys) {
        await other.engines.store.put(key, Readable.from([Buffer.from('x')]), { contentType: 'image/jpeg' })
      }
      const examination = await examine(other.engines, { repair: true })
      assert.deepEqual(examination.refused, ['objects'])
      assert.deepEqual(summary(examination), [['object-unknown', 12, 0]])
      const forced = await examine(other.engines, { repair: true, force: true })
      assert.deepEqual(summary(forced), [['object-unknown', 12, 12]])
    } finally {
      await other.close()
    }
  })

  it('says what is under way and calls none of it wrong', async () => {
    const planned = await plan(anna, jpeg(800))
    await putParts(planned.body, jpeg(800))
    await anna.call('DELETE', `/v1/uploads/${planned.body.id}`)
    await plan(anna, jpeg(801))
    await server.settleJobs()
    const { ok, pending } = await look()
    assert.equal(ok, true)
    assert.ok(pending.deletionsWatched >= 1)
    assert.equal(pending.uploads, 1)
    assert.equal(pending.uploadsExpired, 0)
  })

  async function purge(asset: Json): Promise<void> {
    await anna.call('DELETE', `/v1/assets/${asset.id}?permanent=true`)
    await server.settleJobs()
  }
})

function summary({ findings }: Examination): [FindingKind, number, number][] {
  return findings.map(({ kind, count, repaired }) => [kind, count, repaired])
}

async function flipBit(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    const byte = Buffer.alloc(1)
    await file.read(byte, 0, 1, 100)
    byte[0] = (byte[0] ?? 0) ^ 1
    await file.write(byte, 0, 1, 100)
  } finally {
    await file.close()
  }
}
