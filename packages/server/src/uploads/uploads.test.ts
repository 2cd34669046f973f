import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type ObjectStore, ObjectStoreError } from '../engines/object-store/index.ts'
import { jpeg, sha256 } from '../testing/photos.ts'
import { startTestServer, type TestAccount, type TestServer } from '../testing/server.ts'
import { complete, plan, putPart, putParts, storageOf, upload } from '../testing/upload.ts'

describe('an upload', () => {
  let server: TestServer
  let ann: TestAccount
  let clock = () => new Date()
  let broken: Partial<ObjectStore> = {}

  before(async () => {
    server = await startTestServer(
      {},
      {
        now: () => clock(),
        store: (store) => new Proxy(store, { get: (target, name) => Reflect.get(broken, name) ?? bound(target, name) }),
      },
    )
    ann = await server.register('ann')
  })
  after(() => server.close())

  const objects = async () =>
    (
      await readdir(join(server.dataDir, 'files', 'objects', 'originals'), { recursive: true, withFileTypes: true })
    ).filter((entry) => entry.isFile()).length

  test('in one part becomes an asset that reads back as it was', async () => {
    const bytes = jpeg(5000)
    const asset = await upload(ann, bytes, { filename: 'IMG_1.JPG' })
    assert.equal(asset.kind, 'image')
    assert.equal(asset.sha256, sha256(bytes))
    assert.equal(asset.size, 5000)
    const original = await fetch(asset.urls.original)
    assert.equal(original.status, 200)
    assert.equal(original.headers.get('content-type'), 'image/jpeg')
    assert.deepEqual(Buffer.from(await original.arrayBuffer()), bytes)
  })

  test('in several parts is joined in order, whatever the order they came in', async () => {
    const bytes = jpeg(20 * 1024 * 1024)
    const planned = await plan(ann, bytes, { strategy: 'multipart' })
    assert.equal(planned.body.transfer.strategy, 'multipart')
    assert.deepEqual(
      planned.body.transfer.parts.map((part: { size: number }) => part.size),
      [8388608, 8388608, 4194304],
    )
    for (const part of planned.body.transfer.parts.toReversed()) {
      const start = (part.number - 1) * planned.body.transfer.partSize
      assert.equal((await putPart(part, bytes.subarray(start, start + part.size))).status, 200)
    }
    const completed = await complete(ann, planned.body.id)
    assert.equal(completed.status, 201)
    assert.equal(completed.body.asset.sha256, sha256(bytes))
  })

  test('says which parts are missing and goes on afterwards', async () => {
    const bytes = jpeg(17 * 1024 * 1024)
    const planned = await plan(ann, bytes, { strategy: 'multipart' })
    const [first, second, third] = planned.body.transfer.parts
    await putPart(first, bytes.subarray(0, first.size))
    const early = await complete(ann, planned.body.id)
    assert.equal(early.status, 409)
    assert.equal(early.body.type, '/problems/upload-incomplete')
    assert.deepEqual(early.body.missing, [
      { number: 2, size: second.size },
      { number: 3, size: third.size },
    ])
    const state = await ann.call('GET', `/v1/uploads/${planned.body.id}`)
    assert.equal(state.body.state, 'uploading')
    assert.deepEqual(state.body.received, [{ number: 1, size: first.size }])
    const signed = await ann.call('GET', `/v1/uploads/${planned.body.id}/parts?numbers=2-3`)
    await putPart(signed.body.parts[0], bytes.subarray(first.size, 2 * first.size))
    await putPart(signed.body.parts[1], bytes.subarray(2 * first.size))
    assert.equal((await complete(ann, planned.body.id)).status, 201)
  })

  test('completed 50 times at once makes one asset', async () => {
    const bytes = jpeg(3000)
    const planned = await plan(ann, bytes)
    await putParts(planned.body, bytes)
    const answers = await Promise.all(Array.from({ length: 50 }, () => complete(ann, planned.body.id)))
    assert.deepEqual(new Set(answers.map((answer) => answer.body.asset.id)).size, 1)
    assert.equal(answers.filter((answer) => answer.status === 201).length, 1)
    assert.equal(answers.filter((answer) => answer.status === 200).length, 49)
    assert.equal((await complete(ann, planned.body.id)).status, 200)
  })

  test('of content the account holds is answered before any byte is sent', async () => {
    const bytes = jpeg(4000)
    const asset = await upload(ann, bytes)
    const before = await storageOf(ann)
    const again = await plan(ann, bytes, { sha256: sha256(bytes) })
    assert.equal(again.status, 200)
    assert.equal(again.body.duplicateOf.id, asset.id)
    assert.deepEqual(await storageOf(ann), before)
    const bob = await server.register('bob')
    assert.equal((await plan(bob, bytes, { sha256: sha256(bytes) })).status, 201, "another account's files are its own")
  })

  test('of content that arrives twice at once makes one asset and keeps one copy', async () => {
    const bytes = jpeg(4100)
    const before = { files: await objects(), storage: await storageOf(ann) }
    const plans = await Promise.all([plan(ann, bytes), plan(ann, bytes), plan(ann, bytes)])
    await Promise.all(plans.map((planned) => putParts(planned.body, bytes)))
    const answers = await Promise.all(plans.map((planned) => complete(ann, planned.body.id)))
    assert.deepEqual(answers.map((answer) => answer.status).sort(), [200, 200, 201])
    assert.equal(new Set(answers.map((answer) => answer.body.asset.id)).size, 1)
    await server.settleJobs()
    assert.equal(await objects(), before.files + 1)
    assert.equal((await storageOf(ann)).usedBytes, before.storage.usedBytes + bytes.length)
    assert.equal((await storageOf(ann)).reservedBytes, before.storage.reservedBytes)
  })

  test('cannot be changed by its URL after it is complete', async () => {
    const bytes = jpeg(2000)
    const other = jpeg(2000)
    const planned = await plan(ann, bytes)
    await putParts(planned.body, bytes)
    const { body } = await complete(ann, planned.body.id)
    assert.equal((await putPart(planned.body.transfer.parts[0], other)).status, 412)
    const original = await fetch(body.asset.urls.original)
    assert.deepEqual(Buffer.from(await original.arrayBuffer()), bytes)

    const parts = jpeg(9 * 1024 * 1024)
    const multipart = await plan(ann, parts, { strategy: 'multipart' })
    await putParts(multipart.body, parts)
    await complete(ann, multipart.body.id)
    const late = await putPart(
      multipart.body.transfer.parts[1],
      other.subarray(0, multipart.body.transfer.parts[1].size),
    )
    assert.ok(late.status >= 400)
    const part = await putPart(multipart.body.transfer.parts[1], Buffer.alloc(multipart.body.transfer.parts[1].size))
    assert.equal(part.status, 409)
  })

  test('of another size than planned is refused by its URL', async () => {
    const planned = await plan(ann, jpeg(2000))
    assert.equal((await putPart(planned.body.transfer.parts[0], jpeg(1999))).status, 422)
    assert.equal((await putPart(planned.body.transfer.parts[0], jpeg(2001))).status, 422)
    assert.deepEqual((await ann.call('GET', `/v1/uploads/${planned.body.id}`)).body.received, [])
    assert.equal((await ann.call('DELETE', `/v1/uploads/${planned.body.id}`)).status, 204)
  })

  test('with a wrong checksum is refused, and nothing of it stays', async () => {
    const before = { files: await objects(), storage: await storageOf(ann) }
    const bytes = jpeg(2500)
    const planned = await plan(ann, bytes, { sha256: sha256(jpeg(2500)) })
    await putParts(planned.body, bytes)
    const answer = await complete(ann, planned.body.id)
    assert.equal(answer.status, 422)
    assert.equal(answer.body.type, '/problems/checksum-mismatch')
    await server.settleJobs()
    assert.equal(await objects(), before.files)
    assert.deepEqual(await storageOf(ann), before.storage)
    assert.equal((await complete(ann, planned.body.id)).status, 409)
  })

  test('damaged on the way is refused by its checksum header and can be sent again', async () => {
    const bytes = jpeg(2600)
    const planned = await plan(ann, bytes)
    const digest = `sha-256=:${Buffer.from(sha256(bytes), 'hex').toString('base64')}:`
    const damaged = Buffer.from(bytes)
    damaged[1000] = (damaged[1000] ?? 0) ^ 1
    const [part] = planned.body.transfer.parts
    assert.equal((await putPart(part, damaged, { 'content-digest': digest })).status, 422)
    assert.equal((await putPart(part, bytes, { 'content-digest': digest })).status, 200)
    assert.equal((await complete(ann, planned.body.id)).status, 201)
  })

  test('of a web page named .jpg is refused at completion, and streamed before it is stored', async () => {
    const page = Buffer.from('<!doctype html><html><script>alert(1)</script></html>')
    const planned = await plan(ann, page)
    await putParts(planned.body, page)
    const answer = await complete(ann, planned.body.id)
    assert.equal(answer.status, 422)
    assert.equal(answer.body.type, '/problems/content-mismatch')
    const streamed = await ann.call('POST', '/v1/assets?filename=x.jpg', page, { 'content-type': 'image/jpeg' })
    assert.equal(streamed.status, 422)
    assert.deepEqual(
      (await ann.call('GET', '/v1/assets?limit=500')).body.items.filter(
        (asset: { size: number }) => asset.size === page.length,
      ),
      [],
    )
  })

  test('of one byte, no byte, too many bytes or no media is refused with a reason', async () => {
    const tiny = await plan(ann, Buffer.from('x'))
    await putParts(tiny.body, Buffer.from('x'))
    assert.equal((await complete(ann, tiny.body.id)).status, 422)
    const empty = await plan(ann, Buffer.alloc(0))
    assert.equal(empty.status, 422)
    assert.equal(empty.body.type, '/problems/empty-file')
    const huge = await plan(ann, Buffer.alloc(0), { size: 2 ** 50 })
    assert.equal(huge.status, 413)
    assert.equal(huge.body.type, '/problems/file-too-large')
    const document = await plan(ann, jpeg(200), { filename: 'x.pdf', contentType: 'application/pdf' })
    assert.equal(document.status, 415)
    assert.equal(document.body.type, '/problems/unsupported-type')
    const negative = await plan(ann, jpeg(200), { size: -1 })
    assert.equal(negative.status, 400)
    assert.equal(negative.body.errors[0].path, '/size')
  })

  test('keeps a safe form of any name', async () => {
    const cases: [string, string][] = [
      ['../../etc/passwd.jpg', 'passwd.jpg'],
      ['C:\\Users\\ann\\photo.jpg', 'photo.jpg'],
      ['evil\u0000.jpg', 'evil.jpg'],
      ['photo\u202egpj.exe.jpg', 'photogpj.exe.jpg'],
      ['..', 'unnamed'],
      ['사진 🏖️.jpg', '사진 🏖️.jpg'],
      [`${'x'.repeat(4096)}.jpg`, `${'x'.repeat(251)}.jpg`],
    ]
    for (const [given, kept] of cases) {
      const asset = await upload(ann, jpeg(300), { filename: given })
      assert.equal(asset.filename, kept)
      const original = await fetch(asset.urls.original)
      assert.equal(original.status, 200)
      await original.arrayBuffer()
    }
  })

  test('aborted gives back its bytes and its reservation, and its URL is of no more use', async () => {
    const before = { files: await objects(), storage: await storageOf(ann) }
    const bytes = jpeg(2700)
    const planned = await plan(ann, bytes)
    assert.equal((await storageOf(ann)).reservedBytes, before.storage.reservedBytes + 2700)
    await putParts(planned.body, bytes)
    assert.equal((await ann.call('DELETE', `/v1/uploads/${planned.body.id}`)).status, 204)
    assert.equal((await ann.call('DELETE', `/v1/uploads/${planned.body.id}`)).status, 204)
    await server.settleJobs()
    assert.deepEqual(await storageOf(ann), before.storage)
    assert.equal(await objects(), before.files)
    assert.equal((await complete(ann, planned.body.id)).status, 409)
  })

  test('that lands after its abort is swept when its URL has died', async () => {
    const before = await objects()
    const bytes = jpeg(2800)
    const planned = await plan(ann, bytes)
    await ann.call('DELETE', `/v1/uploads/${planned.body.id}`)
    await server.settleJobs()
    assert.equal((await putPart(planned.body.transfer.parts[0], bytes)).status, 200)
    assert.equal(await objects(), before + 1)
    // The row that will sweep it stands, due when no URL can put it back.
    const { pool } = server.engines
    const { rows } = await pool.query(
      `select object_key from object_deletion where due_at > now() and reason = 'aborted'`,
    )
    assert.ok(rows.length > 0)
    clock = () => new Date(Date.now() + 2 * 3600_000)
    try {
      await pool.query(`update graphile_worker._private_jobs set run_at = now() where task_id in
        (select id from graphile_worker._private_tasks where identifier = 'objects:delete')`)
      await pool.query(
        `select graphile_worker.add_job('objects:delete', json_build_object('keys', json_agg(object_key))) from object_deletion`,
      )
      await server.settleJobs()
    } finally {
      clock = () => new Date()
    }
    assert.equal(await objects(), before)
  })

  test('past its time is completed when all is there, else cleared', async () => {
    const whole = jpeg(3100)
    const wholePlan = await plan(ann, whole)
    await putParts(wholePlan.body, whole)
    const partial = await plan(ann, jpeg(3200))
    const held = await storageOf(ann)
    clock = () => new Date(Date.now() + 25 * 3600_000)
    try {
      await server.engines.jobs.enqueue(server.engines.db, 'uploads:expire', {})
      await server.settleJobs()
    } finally {
      clock = () => new Date()
    }
    const completed = await ann.call('GET', `/v1/uploads/${wholePlan.body.id}`)
    assert.equal(completed.body.state, 'completed')
    const asset = await ann.call('GET', `/v1/assets/${completed.body.assetId}`)
    assert.equal(asset.body.sha256, sha256(whole))
    assert.equal((await ann.call('GET', `/v1/uploads/${partial.body.id}`)).body.state, 'expired')
    const storage = await storageOf(ann)
    assert.equal(storage.usedBytes, held.usedBytes + 3100)
    assert.equal(storage.reservedBytes, 0)
  })

  test('survives a store that does not answer: nothing is lost and it completes later', async () => {
    const bytes = jpeg(3300)
    const planned = await plan(ann, bytes)
    const failing = async () => {
      throw new ObjectStoreError('unavailable', 'injected')
    }
    broken = { put: failing, head: failing }
    const refused = await putPart(planned.body.transfer.parts[0], bytes)
    assert.equal(refused.status, 503)
    assert.ok(refused.headers.get('retry-after'))
    broken = {}
    assert.equal((await putPart(planned.body.transfer.parts[0], bytes)).status, 200)
    broken = { head: failing, get: failing }
    const unavailable = await complete(ann, planned.body.id)
    assert.equal(unavailable.status, 503)
    assert.equal(unavailable.body.type, '/problems/unavailable')
    assert.ok(unavailable.headers.get('retry-after'))
    broken = {}
    assert.equal((await complete(ann, planned.body.id)).status, 201)
  })

  test('survives a store that loses its answer', async () => {
    const bytes = jpeg(3400)
    const planned = await plan(ann, bytes)
    broken = {
      async put(...args) {
        await server.engines.store.put(...args)
        throw new ObjectStoreError('unavailable', 'the answer was lost')
      },
    }
    assert.equal((await putPart(planned.body.transfer.parts[0], bytes)).status, 503)
    broken = {}
    assert.equal((await putPart(planned.body.transfer.parts[0], bytes)).status, 412)
    const completed = await complete(ann, planned.body.id)
    assert.equal(completed.status, 201)
    assert.equal(completed.body.asset.sha256, sha256(bytes))
  })

  test('on a full disk is refused in words, and goes on when there is room', async () => {
    const bytes = jpeg(3500)
    const planned = await plan(ann, bytes)
    broken = {
      put: async () => {
        throw new ObjectStoreError('full', 'ENOSPC')
      },
    }
    const refused = await putPart(planned.body.transfer.parts[0], bytes)
    assert.equal(refused.status, 507)
    assert.match(refused.body.detail, /full|room/)
    broken = {}
    assert.equal((await putPart(planned.body.transfer.parts[0], bytes)).status, 200)
    assert.equal((await complete(ann, planned.body.id)).status, 201)
  })

  test('leaves an event for every attempt, the failed ones too', async () => {
    const page = Buffer.from('<html></html>')
    const planned = await plan(ann, page)
    await putParts(planned.body, page)
    await complete(ann, planned.body.id)
    const { rows } = await server.engines.pool.query(
      `select outcome, error_class, actor_id, network::text, protocol, phases from history_event
       where action = 'upload.complete' and object_id = $1`,
      [planned.body.id],
    )
    assert.equal(rows.length, 1)
    assert.equal(rows[0].outcome, 'failure')
    assert.equal(rows[0].error_class, 'content-mismatch')
    assert.equal(rows[0].actor_id, ann.id)
    assert.equal(rows[0].network, '127.0.0.0/24')
    assert.ok(rows[0].phases.verify >= 0)
    const refused = await plan(ann, jpeg(200), { contentType: 'application/pdf' })
    assert.equal(refused.status, 415)
    const { rows: plans } = await server.engines.pool.query(
      `select from history_event where action = 'upload.plan' and error_class = 'unsupported-type'`,
    )
    assert.ok(plans.length > 0)
  })

  test('repeated under one Idempotency-Key is planned once', async () => {
    const before = await storageOf(ann)
    const bytes = jpeg(1500)
    const body = { filename: 'a.jpg', size: bytes.length, contentType: 'image/jpeg' }
    const first = await ann.call('POST', '/v1/uploads', body, { 'idempotency-key': 'k1' })
    const second = await ann.call('POST', '/v1/uploads', body, { 'idempotency-key': 'k1' })
    assert.equal(second.status, 201)
    assert.equal(second.body.id, first.body.id)
    assert.equal((await storageOf(ann)).reservedBytes, before.reservedBytes + bytes.length)
    const other = await ann.call('POST', '/v1/uploads', { ...body, size: 1501 }, { 'idempotency-key': 'k1' })
    assert.equal(other.status, 422)
  })
})

function bound(target: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name)
  return typeof value === 'function' ? value.bind(target) : value
}
