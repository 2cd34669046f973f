/**
 * A client of a crash test: does everything a client can do, in random order, and writes down what was acknowledged. It
 * ends when its list is done or the server no longer answers.
 */
import assert from 'node:assert/strict'
import { jpeg, sha256 } from '../../testing/photos.ts'
import type { Random } from '../../testing/random.ts'
import { call, type Json, type TestAnswer } from '../../testing/server.ts'
import { putPart } from '../../testing/upload.ts'
import type { BegunUpload, Ledger } from './ledger.ts'

export interface WorkloadContext {
  address: string
  token: string
  ledger: Ledger
  random: Random
  /** Lets the time of this upload be over, and has the server look. */
  expire(uploadId: string): Promise<void>
  /** Leaves it to the worker to read the asset's bytes, as a store does that attests no SHA-256. */
  leaveToWorker(assetId: string): Promise<void>
}

type Operation = (client: Client) => Promise<void>

interface Client extends WorkloadContext {
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<TestAnswer>
}

/** Every way through the server once; a run that is not cut short reaches every fault point. */
const everything: Operation[] = [
  uploadWhole,
  uploadInParts,
  uploadLarge,
  uploadDuplicate,
  streamKnown,
  streamUnknown,
  leaveHalf,
  giveUp,
  letExpire,
  letProcess,
  purgeOne,
  trashAndRestore,
]

/** The server is gone: what a client sees of a crash. */
export class ServerGone extends Error {}

export async function runClient(context: WorkloadContext, extra: number): Promise<void> {
  const client: Client = {
    ...context,
    call: (method, path, body, headers) =>
      reaching(() => call(context.address, context.token, method, path, body, headers)),
  }
  const more = Array.from({ length: extra }, () => context.random.pick(everything))
  try {
    for (const operation of context.random.shuffle([...everything, ...more])) await operation(client)
  } catch (error) {
    if (!(error instanceof ServerGone)) throw error
  }
}

/** What a client does after a crash: asks where its uploads stand, sends what is missing, completes. */
export async function resumeAll(context: WorkloadContext): Promise<void> {
  const client: Client = {
    ...context,
    call: (method, path, body, headers) => call(context.address, context.token, method, path, body, headers),
  }
  for (const begun of [...context.ledger.begun.values()]) await resume(client, begun)
}

async function resume(client: Client, begun: BegunUpload): Promise<void> {
  const { body: upload, status: known } = await client.call('GET', `/v1/uploads/${begun.id}`)
  assert.equal(known, 200, `an upload that was acknowledged is known after the crash: ${JSON.stringify(upload)}`)
  if (upload.state === 'uploading') {
    const received = new Set(upload.received.map((part: Json) => part.number))
    const { status, body } = await client.call(
      'GET',
      `/v1/uploads/${begun.id}/parts?numbers=1-${upload.transfer.partCount}`,
    )
    // Its time was over, and the server saw it between the two questions.
    if (status === 409 && begun.isGivenUp) return void client.ledger.begun.delete(begun.id)
    assert.equal(status, 200, JSON.stringify(body))
    for (const part of body.parts) {
      if (!received.has(part.number)) await put(part, begun.bytes, upload.transfer.partSize)
    }
    await complete(client, begun)
    return
  }
  // Its completion was committed and its answer lost.
  if (upload.state === 'completed') await complete(client, begun)
  else client.ledger.begun.delete(begun.id)
}

async function uploadWhole(client: Client): Promise<void> {
  await upload(client, jpeg(200 + client.random.integer(100_000)), 'single')
}

async function uploadInParts(client: Client): Promise<void> {
  await upload(client, jpeg(200 + client.random.integer(100_000)), 'multipart')
}

/** Two parts, which are joined. */
async function uploadLarge(client: Client): Promise<void> {
  if (client.random.integer(3) > 0) return uploadInParts(client)
  await upload(client, Buffer.concat([jpeg(2_000), Buffer.alloc(8 * 1024 * 1024)]), 'multipart')
}

/** The same bytes again without saying so beforehand: found out at completion. */
async function uploadDuplicate(client: Client): Promise<void> {
  const bytes = jpeg(5_000)
  await upload(client, bytes, 'single')
  await upload(client, bytes, 'single')
}

async function upload(client: Client, bytes: Buffer, strategy: 'single' | 'multipart'): Promise<void> {
  const begun = await begin(client, bytes, strategy)
  await reaching(() => putAll(begun.parts, bytes, begun.partSize))
  await complete(client, begun)
}

async function begin(client: Client, bytes: Buffer, strategy: 'single' | 'multipart') {
  const planned = await client.call('POST', '/v1/uploads', {
    filename: 'photo.jpg',
    size: bytes.length,
    contentType: 'image/jpeg',
    strategy,
  })
  assert.equal(planned.status, 201, JSON.stringify(planned.body))
  const { id, transfer } = planned.body
  const begun = { id, bytes, isGivenUp: false }
  client.ledger.begun.set(id, begun)
  return { ...begun, parts: transfer.parts as Json[], partSize: transfer.partSize as number }
}

async function putAll(parts: Json[], bytes: Buffer, partSize: number): Promise<void> {
  for (const part of parts) await put(part, bytes, partSize)
}

async function put(part: Json, bytes: Buffer, partSize: number): Promise<void> {
  const start = (part.number - 1) * partSize
  const { status, body } = await putPart(part, bytes.subarray(start, start + part.size))
  // 412: it is stored already, by a request whose answer was lost.
  assert.ok(status === 200 || status === 412, `a part answered ${status} ${JSON.stringify(body)}`)
}

async function complete({ call: ask, ledger }: Client, { id, bytes, isGivenUp }: BegunUpload): Promise<void> {
  const { status, body } = await ask('POST', `/v1/uploads/${id}/complete`, {})
  ledger.begun.delete(id)
  if (status === 409 && isGivenUp) return
  // Completed before the crash, and its asset removed since by another client with the same bytes.
  if (status === 404) return
  assert.ok(status === 201 || status === 200, `a completion answered ${status} ${JSON.stringify(body)}`)
  acknowledge(ledger, body.asset, bytes)
}

function acknowledge(ledger: Ledger, asset: Json, bytes: Buffer): void {
  assert.equal(asset.sha256, sha256(bytes))
  if (!ledger.doubtful.has(asset.id)) ledger.kept.set(asset.id, asset.sha256)
}

async function streamKnown(client: Client): Promise<void> {
  await stream(client, jpeg(100_000), (bytes) => bytes)
}

async function streamUnknown(client: Client): Promise<void> {
  await stream(client, jpeg(100_000), (bytes) =>
    new Blob([new Uint8Array(bytes.subarray(0, 70_000)), new Uint8Array(bytes.subarray(70_000))]).stream(),
  )
}

async function stream(client: Client, bytes: Buffer, body: (bytes: Buffer) => unknown): Promise<void> {
  const answer = await client.call('POST', '/v1/assets?filename=stream.jpg', body(bytes), {
    'content-type': 'image/jpeg',
  })
  assert.equal(answer.status, 201, JSON.stringify(answer.body))
  acknowledge(client.ledger, answer.body.asset, bytes)
}

/** Planned, and perhaps put, and left: to be resumed. */
async function leaveHalf(client: Client): Promise<void> {
  const bytes = jpeg(300 + client.random.integer(5_000))
  const begun = await begin(client, bytes, client.random.pick(['single', 'multipart']))
  if (client.random.integer(2) === 0) await reaching(() => putAll(begun.parts, bytes, begun.partSize))
}

async function giveUp(client: Client): Promise<void> {
  const bytes = jpeg(300)
  const begun = await begin(client, bytes, client.random.pick(['single', 'multipart']))
  await reaching(() => putAll(begun.parts, bytes, begun.partSize))
  const known = client.ledger.begun.get(begun.id)
  if (known !== undefined) known.isGivenUp = true
  const { status } = await client.call('DELETE', `/v1/uploads/${begun.id}`)
  assert.equal(status, 204)
  client.ledger.begun.delete(begun.id)
}

async function letExpire(client: Client): Promise<void> {
  const begun = await begin(client, jpeg(300), 'single')
  const known = client.ledger.begun.get(begun.id)
  if (known !== undefined) known.isGivenUp = true
  await client.expire(begun.id)
}

async function letProcess(client: Client): Promise<void> {
  await upload(client, jpeg(3_000), 'single')
  const newest = [...client.ledger.kept.keys()].at(-1)
  if (newest !== undefined) await client.leaveToWorker(newest)
}

async function purgeOne(client: Client): Promise<void> {
  await upload(client, jpeg(400), 'single')
  const id = takeOne(client)
  if (id === undefined) return
  const { status } = await client.call('DELETE', `/v1/assets/${id}?permanent=true`)
  assert.equal(status, 204)
}

/** What is asked to be removed is no longer certain to be kept. */
function takeOne({ ledger, random }: Client): string | undefined {
  const ids = [...ledger.kept.keys()]
  if (ids.length === 0) return undefined
  const id = random.pick(ids)
  ledger.kept.delete(id)
  ledger.doubtful.add(id)
  return id
}

async function trashAndRestore(client: Client): Promise<void> {
  const ids = [...client.ledger.kept.keys()]
  if (ids.length === 0) return
  const id = client.random.pick(ids)
  const trashed = await client.call('DELETE', `/v1/assets/${id}`)
  // Another client may have purged it meanwhile.
  if (trashed.status === 404) return
  if (client.random.integer(2) === 0) await client.call('POST', `/v1/assets/${id}/restore`)
}

/** Calls the server; a connection that breaks means that it is gone. */
async function reaching<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error
    throw new ServerGone('The server does not answer', { cause: error })
  }
}
