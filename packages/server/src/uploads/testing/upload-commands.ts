/** What can be done to an upload or an asset, each with the answer the model predicts. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Json, TestAccount, TestServer } from '../../testing/server.ts'
import { storageOf } from '../../testing/upload.ts'
import {
  assetOf,
  completed,
  ended,
  type Model,
  type ModelAsset,
  type ModelContent,
  type ModelUpload,
  reserved,
  used,
} from './upload-model.ts'

export interface Real {
  server: TestServer
  account: TestAccount
  /** The clock of the server, milliseconds. */
  clock: { now: number }
}

type UploadCommand = fc.AsyncCommand<Model, Real>

/** Seconds, as the server is configured by default. */
const grantLifetime = 3_600
const uploadLifetime = 86_400

/** Does it, then compares everything a client can see of the quota. */
function command(
  name: string,
  possible: (model: Model) => boolean,
  act: (model: Model, real: Real) => Promise<void>,
): UploadCommand {
  return {
    check: possible,
    async run(model, real) {
      await act(model, real)
      await real.server.settleJobs()
      const storage = await storageOf(real.account)
      assert.deepEqual(
        storage,
        { usedBytes: used(model), reservedBytes: reserved(model), limitBytes: model.limit },
        `the quota after ${name}`,
      )
      assert.ok(storage.usedBytes + storage.reservedBytes <= storage.limitBytes)
    },
    toString: () => name,
  }
}

/** The command on one of the uploads (or assets) there are when it runs. */
function onUpload(name: string, index: number, act: (model: Model, real: Real, upload: ModelUpload) => Promise<void>) {
  return command(
    `${name}(${index})`,
    ({ uploads }) => uploads.length > 0,
    async (model, real) => act(model, real, at(model.uploads, index)),
  )
}

function onAsset(name: string, index: number, act: (model: Model, real: Real, asset: ModelAsset) => Promise<void>) {
  return command(
    `${name}(${index})`,
    ({ assets }) => assets.length > 0,
    async (model, real) => act(model, real, at(model.assets, index)),
  )
}

/** Counted from the newest, with which most is still to be done. */
function at<T>(items: T[], index: number): T {
  const item = items.at(-1 - (index % items.length))
  if (item === undefined) throw new RangeError('There is none')
  return item
}

function plan(contents: ModelContent[], index: number, strategy: 'single' | 'multipart', declares: boolean) {
  const content = at(contents, index)
  const name = `plan(${content.bytes.length} bytes, ${strategy}${declares ? ', sha256' : ''})`
  return command(
    name,
    () => true,
    async (model, { account }) => {
      const { status, body } = await account.call('POST', '/v1/uploads', {
        filename: 'photo.jpg',
        size: content.bytes.length,
        contentType: 'image/jpeg',
        strategy,
        ...(declares ? { sha256: content.sha256 } : {}),
      })
      const existing = declares ? assetOf(model, content) : undefined
      if (existing !== undefined) {
        assert.equal(status, 200)
        assert.equal(body.duplicateOf.id, existing.id)
      } else if (used(model) + reserved(model) + content.bytes.length > model.limit) {
        assert.equal(status, 413)
        assert.equal(body.type, '/problems/quota-exceeded')
      } else {
        assert.equal(status, 201)
        model.uploads.push({
          id: body.id,
          content,
          strategy,
          state: 'uploading',
          stored: 'nothing',
          url: body.transfer.parts[0].urls[0].url,
          urlDies: model.now + grantLifetime * 1000,
          assetId: null,
        })
      }
    },
  )
}

function put(index: number, kind: 'right' | 'wrong size' | 'wrong bytes') {
  return onUpload(`put ${kind}`, index, async (model, _real, upload) => {
    // The clock of the test is not the one by which the edge judges URLs.
    if (model.now >= upload.urlDies) return
    const { bytes } = upload.content
    const sent = { right: bytes, 'wrong size': bytes.subarray(1), 'wrong bytes': Buffer.alloc(bytes.length) }[kind]
    const { status } = await fetch(upload.url, { method: 'PUT', body: new Uint8Array(sent) })
    if (kind === 'wrong size') return assert.equal(status, 422)
    if (upload.strategy === 'multipart') {
      if (upload.state !== 'uploading') return assert.equal(status, 409)
      assert.equal(status, 200)
    } else {
      if (upload.stored !== 'nothing') return assert.equal(status, 412)
      assert.equal(status, 200)
    }
    upload.stored = kind === 'right' ? 'right' : 'wrong'
  })
}

function complete(index: number, times: number) {
  return onUpload(`complete ×${times}`, index, async (model, { account }, upload) => {
    const answers = await Promise.all(
      Array.from({ length: times }, () => account.call('POST', `/v1/uploads/${upload.id}/complete`, {})),
    )
    const statuses = answers.map(({ status }) => status).sort()
    const all = (status: number) => assert.deepEqual(statuses, Array(times).fill(status))
    if (upload.state === 'completed') {
      const exists = model.assets.some(({ id }) => id === upload.assetId)
      return all(exists ? 200 : 404)
    }
    if (upload.state !== 'uploading' || upload.stored === 'nothing') return all(409)
    if (upload.stored === 'wrong') {
      // The first ends the upload; who comes later finds it over.
      assert.ok(statuses.every((status) => status === 422 || status === 409) && statuses.includes(422), `${statuses}`)
      return ended(upload, 'aborted')
    }
    const existing = assetOf(model, upload.content)
    if (existing === undefined) assert.deepEqual(statuses, [...Array(times - 1).fill(200), 201])
    else all(200)
    const ids = new Set(answers.map(({ body }) => body.asset.id))
    assert.equal(ids.size, 1, 'one asset')
    const [id] = ids
    if (existing !== undefined) assert.equal(id, existing.id)
    completed(model, upload, id)
  })
}

function abort(index: number) {
  return onUpload('abort', index, async (_model, { account }, upload) => {
    const { status } = await account.call('DELETE', `/v1/uploads/${upload.id}`)
    assert.equal(status, upload.state === 'completed' ? 409 : 204)
    if (upload.state === 'uploading') ended(upload, 'aborted')
  })
}

/** A day goes by, and the hourly job looks at what was not finished. */
function expire() {
  return command(
    'expire',
    () => true,
    async (model, { server, account, clock }) => {
      model.now += (uploadLifetime + 1) * 1000
      clock.now = model.now
      await server.engines.jobs.enqueue(server.engines.db, 'uploads:expire', {})
      await server.settleJobs()
      for (const upload of model.uploads) {
        const { body } = await account.call('GET', `/v1/uploads/${upload.id}`)
        if (upload.state === 'uploading') predictExpiry(model, upload, body)
        assert.equal(body.state, upload.state)
        assert.equal(body.assetId, upload.assetId)
      }
    },
  )
}

function predictExpiry(model: Model, upload: ModelUpload, seen: Json): void {
  if (upload.stored === 'right') {
    const existing = assetOf(model, upload.content)
    assert.ok(existing === undefined || existing.id === seen.assetId)
    completed(model, upload, seen.assetId)
  } else ended(upload, upload.stored === 'wrong' ? 'aborted' : 'expired')
}

function trash(index: number) {
  return onAsset('trash', index, async (_model, { account }, asset) => {
    assert.equal((await account.call('DELETE', `/v1/assets/${asset.id}`)).status, 204)
    asset.isTrashed = true
  })
}

function restore(index: number) {
  return onAsset('restore', index, async (_model, { account }, asset) => {
    const { status, body } = await account.call('POST', `/v1/assets/${asset.id}/restore`)
    assert.deepEqual([status, body.trashedAt], [200, null])
    asset.isTrashed = false
  })
}

function purge(index: number) {
  return onAsset('purge', index, async (model, { account }, asset) => {
    assert.equal((await account.call('DELETE', `/v1/assets/${asset.id}?permanent=true`)).status, 204)
    assert.equal((await account.call('GET', `/v1/assets/${asset.id}`)).status, 404)
    model.assets.splice(model.assets.indexOf(asset), 1)
    asset.upload.stored = 'nothing'
  })
}

function look(index: number) {
  return onAsset('look', index, async (_model, { account }, asset) => {
    const { body } = await account.call('GET', `/v1/assets/${asset.id}`)
    assert.equal(body.trashedAt !== null, asset.isTrashed)
    assert.equal(body.sha256, asset.content.sha256)
    const original = await fetch(body.urls.original)
    assert.deepEqual(Buffer.from(await original.arrayBuffer()), asset.content.bytes)
  })
}

export function uploadCommands(contents: ModelContent[]): fc.Arbitrary<UploadCommand>[] {
  const index = fc.oneof(fc.nat({ max: 1 }), fc.nat({ max: 20 }))
  const rarely = fc.nat({ max: 4 })
  const strategy = fc.constantFrom('single' as const, 'multipart' as const)
  return [
    fc.tuple(index, strategy, fc.boolean()).map(([which, how, declares]) => plan(contents, which, how, declares)),
    fc
      .tuple(fc.nat({ max: 20 }), strategy, fc.boolean())
      .map(([which, how, declares]) => plan(contents, which, how, declares)),
    index.map((which) => put(which, 'right')),
    index.map((which) => put(which, 'right')),
    fc
      .tuple(index, fc.constantFrom('wrong size' as const, 'wrong bytes' as const))
      .map(([which, how]) => put(which, how)),
    fc.tuple(index, fc.constantFrom(1, 5)).map(([which, times]) => complete(which, times)),
    fc.tuple(index, fc.constantFrom(1, 5)).map(([which, times]) => complete(which, times)),
    fc.tuple(index, rarely).map(([which, one]) => (one < 2 ? abort(which) : complete(which, 1))),
    fc.tuple(index, rarely).map(([which, one]) => (one === 0 ? expire() : put(which, 'right'))),
    index.map(trash),
    index.map(restore),
    index.map(purge),
    index.map(look),
  ]
}
