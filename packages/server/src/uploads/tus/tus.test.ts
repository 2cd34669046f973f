/** tus as people meet it: an unmodified tus-js-client against real servers, on every store. */
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { DetailedError, Upload, type UploadOptions } from 'tus-js-client'
import { jpeg, sha256 } from '../../testing/photos.ts'
import { stores } from '../../testing/s3-and-files.ts'
import { startTestServer, type TestAccount, type TestServer } from '../../testing/server.ts'
import { storageOf } from '../../testing/upload.ts'

const mebibyte = 1024 * 1024

type Options = Partial<UploadOptions>

/** Settles when the client is done: the URL of the upload and the last answer's header. */
function send(server: TestServer, account: TestAccount, bytes: Buffer | Readable, options: Options = {}) {
  let upload: Upload | undefined
  const done = new Promise<{ url: string; assetId: string | undefined }>((resolve, reject) => {
    upload = new Upload(bytes as Buffer, {
      endpoint: `${server.address}/v1/tus`,
      retryDelays: null,
      headers: { authorization: `Bearer ${account.token}` },
      metadata: { filename: 'a photo.jpg', filetype: 'image/jpeg' },
      onError: reject,
      onSuccess: ({ lastResponse }) =>
        resolve({ url: upload?.url ?? '', assetId: lastResponse.getHeader('Heliograph-Asset-Id') }),
      ...options,
    })
    upload.start()
  })
  done.catch(() => undefined)
  return { done, upload: upload as unknown as Upload }
}

/** Sends until more than `after` bytes have left, then breaks off; answers the URL of the upload. */
async function breakOff(server: TestServer, account: TestAccount, bytes: Buffer, after: number): Promise<string> {
  let running: Upload | undefined
  await new Promise<void>((resolve, reject) => {
    const { done, upload } = send(server, account, bytes, {
      chunkSize: after,
      onProgress: (sent) => {
        if (sent > after) void upload.abort().then(resolve, reject)
      },
    })
    running = upload
    done.then(() => reject(new Error('It was not broken off')), reject)
  })
  return running?.url ?? ''
}

/** A PATCH that promises all of `bytes` and loses its connection after `count` of them. */
async function dropped(account: TestAccount, url: string, bytes: Buffer, count: number): Promise<void> {
  const sending = request(url, {
    method: 'PATCH',
    headers: {
      authorization: `Bearer ${account.token}`,
      'tus-resumable': '1.0.0',
      'upload-offset': '0',
      'content-type': 'application/offset+octet-stream',
      'content-length': bytes.length,
    },
  })
  const closed = new Promise((resolve) => sending.on('error', () => undefined).on('close', resolve))
  await new Promise((resolve) => sending.write(bytes.subarray(0, count), resolve))
  await delay(200)
  sending.destroy()
  await closed
}

async function* inChunks(bytes: Buffer) {
  for (let start = 0; start < bytes.length; start += mebibyte) {
    yield bytes.subarray(start, start + mebibyte)
  }
}

async function head(account: TestAccount, url: string) {
  const { status, headers } = await account.call('HEAD', url, undefined, { 'tus-resumable': '1.0.0' })
  return { status, offset: Number(headers.get('upload-offset')), assetId: headers.get('heliograph-asset-id'), headers }
}

async function patch(account: TestAccount, url: string, offset: number, bytes: Uint8Array) {
  return account.call('PATCH', url, bytes, {
    'tus-resumable': '1.0.0',
    'upload-offset': String(offset),
    'content-type': 'application/offset+octet-stream',
  })
}

async function create(
  account: TestAccount,
  length: number | null,
  headers: Record<string, string> = {},
  body?: Buffer,
) {
  const answer = await account.call('POST', '/v1/tus', body, {
    'tus-resumable': '1.0.0',
    ...(length === null ? { 'upload-defer-length': '1' } : { 'upload-length': String(length) }),
    'upload-metadata': `filename ${Buffer.from('a.jpg').toString('base64')},filetype ${Buffer.from('image/jpeg').toString('base64')}`,
    ...headers,
  })
  return { ...answer, url: answer.headers.get('location') ?? '' }
}

/** Reads the original back by the asset's own URL. */
async function contentOf(account: TestAccount, assetId: string | null | undefined) {
  const { body: asset } = await account.call('GET', `/v1/assets/${assetId}`)
  const { status, body } = await account.call('GET', asset.urls.original)
  assert.equal(status, 200)
  return { asset, bytes: body as Buffer }
}

for (const { name, skip, environment } of stores) {
  describe(`tus on ${name}`, { skip }, () => {
    let server: TestServer
    let second: TestServer
    let now = () => new Date()

    before(async () => {
      const store = environment()
      server = await startTestServer({ ...store, MAX_FILE_SIZE: '1G' }, { now: () => now() })
      second = await startTestServer({
        ...store,
        DATABASE_URL: server.databaseUrl,
        DATA_DIR: server.dataDir,
        ROLES: 'api,edge',
      })
    })
    after(async () => {
      await second.close()
      await server.close()
    })

    let count = 0
    const person = () => {
      count += 1
      return server.register(`person${count}`)
    }

    /** The account has exactly these bytes; nothing else is set aside, and nothing is left of uploads that are over. */
    async function assertExact(account: TestAccount, usedBytes: number) {
      const { usedBytes: used, reservedBytes } = await storageOf(account)
      assert.deepEqual({ used, reservedBytes }, { used: usedBytes, reservedBytes: 0 })
      await server.settleJobs()
      const tails: string[] = []
      for await (const { key } of server.engines.store.list('tails/')) tails.push(key.split('/')[1] ?? '')
      const { rows } = await server.engines.pool.query(
        `select id from upload where id = any($1::uuid[]) and (owner_id = $2 or state <> 'uploading')`,
        [tails, account.id],
      )
      assert.deepEqual(rows, [])
    }

    test('a file arrives whole, in one request', async () => {
      const account = await person()
      const bytes = jpeg(12 * mebibyte + 17)
      const { url, assetId } = await send(server, account, bytes).done
      const { asset, bytes: kept } = await contentOf(account, assetId)
      assert.equal(sha256(kept), sha256(bytes))
      assert.equal(asset.filename, 'a photo.jpg')
      assert.deepEqual(await head(account, url).then(({ status, offset }) => ({ status, offset })), {
        status: 200,
        offset: bytes.length,
      })
      await assertExact(account, bytes.length)
    })

    test('a file arrives whole in many small requests, with and without a declared length', async () => {
      const account = await person()
      const bytes = jpeg(6 * mebibyte + 5)
      await send(server, account, bytes, { chunkSize: 700_000 }).done
      const other = jpeg(6 * mebibyte + 6)
      const deferred = await send(server, account, Readable.from(inChunks(other)), {
        uploadLengthDeferred: true,
        chunkSize: 900_000,
      }).done
      assert.equal(sha256((await contentOf(account, deferred.assetId)).bytes), sha256(other))
      await assertExact(account, bytes.length + other.length)
    })

    test('the bytes may come with the creation', async () => {
      const account = await person()
      const bytes = jpeg(50_000)
      const { assetId } = await send(server, account, bytes, { uploadDataDuringCreation: true }).done
      assert.equal(sha256((await contentOf(account, assetId)).bytes), sha256(bytes))
    })

    test('an upload that broke off goes on in another client and another server', async () => {
      const account = await person()
      const bytes = jpeg(24 * mebibyte)
      const url = await breakOff(server, account, bytes, 14 * mebibyte)
      const other = second.address + new URL(url).pathname
      const { status, offset } = await head(account, other)
      assert.equal(status, 200)
      assert.ok(offset >= 14 * mebibyte && offset < bytes.length, `${offset} bytes were kept`)
      const { assetId } = await send(second, account, bytes, { uploadUrl: other }).done
      assert.equal(sha256((await contentOf(account, assetId)).bytes), sha256(bytes))
      await assertExact(account, bytes.length)
    })

    test('a connection that breaks in the middle of a request costs less than one part', async () => {
      const account = await person()
      const bytes = jpeg(20 * mebibyte)
      const { url } = await create(account, bytes.length)
      await dropped(account, server.address + url, bytes, 13 * mebibyte)
      const { offset } = await head(account, second.address + url)
      assert.ok(offset > 8 * mebibyte && offset <= 13 * mebibyte, `${offset} bytes were kept`)
      await patch(account, second.address + url, offset, bytes.subarray(offset))
      const { assetId } = await head(account, url)
      assert.equal(sha256((await contentOf(account, assetId)).bytes), sha256(bytes))
      await assertExact(account, bytes.length)
    })

    test('every acknowledged byte is there, however small the requests were', async () => {
      const account = await person()
      const bytes = jpeg(3 * mebibyte)
      const { url } = await create(account, bytes.length)
      let offset = 0
      for (const size of [1, 1, 100, 70_000, 1_000_000, 1]) {
        const server2 = offset % 2 === 0 ? second.address : server.address
        const { status, headers } = await patch(account, server2 + url, offset, bytes.subarray(offset, offset + size))
        assert.equal(status, 204)
        offset += size
        assert.equal(Number(headers.get('upload-offset')), offset)
        assert.equal((await head(account, url)).offset, offset)
      }
      await patch(account, url, offset, bytes.subarray(offset))
      const { assetId } = await head(account, url)
      assert.equal(sha256((await contentOf(account, assetId)).bytes), sha256(bytes))
      await assertExact(account, bytes.length)
    })

    test('a wrong offset is a conflict and changes nothing', async () => {
      const account = await person()
      const bytes = jpeg(1000)
      const { url } = await create(account, bytes.length)
      await patch(account, url, 0, bytes.subarray(0, 400))
      const { status, body, headers } = await patch(account, url, 500, bytes.subarray(500))
      assert.equal(status, 409)
      assert.equal(body.type, '/problems/conflict')
      assert.equal(headers.get('tus-resumable'), '1.0.0')
      assert.equal((await head(account, url)).offset, 400)
    })

    test('more bytes than declared are refused, with a length or chunked', async () => {
      const account = await person()
      const { url } = await create(account, 100)
      assert.equal((await patch(account, url, 0, jpeg(200))).status, 413)
      const chunked = Readable.toWeb(Readable.from([jpeg(200)])) as ReadableStream
      assert.equal((await patch(account, url, 0, chunked as unknown as Uint8Array)).status, 413)
      assert.equal((await head(account, url)).offset, 0)
    })

    test('parallel requests on one upload, over two servers, leave one true file', async () => {
      const account = await person()
      const bytes = jpeg(8 * mebibyte)
      const { url } = await create(account, bytes.length)
      // All begin at the same offset; the winner is stopped by the next, and every answer is one the protocol knows.
      const answers = await Promise.all(
        [server, second, server, second].map(({ address }) => patch(account, address + url, 0, bytes)),
      )
      for (const { status } of answers) assert.ok([204, 409, 423].includes(status), String(status))
      const { offset } = await head(account, url)
      if (offset < bytes.length) assert.equal((await patch(account, url, offset, bytes.subarray(offset))).status, 204)
      const { assetId } = await head(account, url)
      assert.equal(sha256((await contentOf(account, assetId)).bytes), sha256(bytes))
      await assertExact(account, bytes.length)
    })

    test('a client that hangs gives way to the one that resumes', async () => {
      const account = await person()
      const bytes = jpeg(7 * mebibyte)
      const { url } = await create(account, bytes.length)
      let go: () => void = () => undefined
      const hanging = new Promise<void>((resolve) => {
        go = resolve
      })
      const body = async function* () {
        yield bytes.subarray(0, 6 * mebibyte)
        await hanging
      }
      const stuck = patch(account, url, 0, Readable.toWeb(Readable.from(body())) as unknown as Uint8Array).catch(
        () => null,
      )
      await delay(300)
      const started = performance.now()
      const { status, offset } = await head(account, second.address + url)
      assert.equal(status, 200)
      assert.ok(performance.now() - started < 3000, 'it did not take long')
      assert.ok(offset >= 5 * mebibyte, `${offset} bytes were kept`)
      assert.equal((await patch(account, second.address + url, offset, bytes.subarray(offset))).status, 204)
      go()
      await stuck
      await assertExact(account, bytes.length)
    })

    test('terminating returns the reservation and every byte', async () => {
      const account = await person()
      const { url } = await create(account, 1_000_000)
      await patch(account, url, 0, jpeg(500_000))
      assert.equal((await storageOf(account)).reservedBytes, 1_000_000)
      await Upload.terminate(server.address + url, { headers: { authorization: `Bearer ${account.token}` } })
      assert.equal((await head(account, url)).status, 410)
      await assertExact(account, 0)
      const multiparts: string[] = []
      for await (const { key } of server.engines.store.listMultiparts()) multiparts.push(key)
      const { rows } = await server.engines.pool.query(`select object_key from upload where state <> 'uploading'`)
      assert.ok(rows.every((row: { object_key: string }) => !multiparts.includes(row.object_key)))
    })

    test('what cannot be is refused before a byte is sent, and says why', async () => {
      const account = await person()
      await server.engines.pool.query(`update storage_quota set limit_bytes = 1000 where account_id = $1`, [account.id])
      const tooMuch = await send(server, account, jpeg(2000)).done.catch((error: DetailedError) => error)
      assert.ok(tooMuch instanceof DetailedError)
      assert.equal(tooMuch.originalResponse?.getStatus(), 413)
      assert.equal(JSON.parse(tooMuch.originalResponse?.getBody() ?? '').type, '/problems/quota-exceeded')
      const wrongType = { 'upload-metadata': `filetype ${Buffer.from('text/html').toString('base64')}` }
      assert.equal((await create(account, 10, wrongType)).status, 415)
      assert.equal((await create(account, 0)).status, 422)
      assert.equal((await create(account, 2 * 1024 * mebibyte)).status, 413)
      await assertExact(account, 0)
    })

    test('bytes that are no photo end the upload and give everything back', async () => {
      const account = await person()
      const page = Buffer.from('<!doctype html><title>not a photo</title>'.repeat(10))
      const error = await send(server, account, page).done.catch((failure: DetailedError) => failure)
      assert.ok(error instanceof DetailedError)
      assert.equal(error.originalResponse?.getStatus(), 422)
      assert.equal(JSON.parse(error.originalResponse?.getBody() ?? '').type, '/problems/content-mismatch')
      await assertExact(account, 0)
    })

    test("another account's upload is not there", async () => {
      const [owner, stranger] = [await person(), await person()]
      const { url } = await create(owner, 1000)
      assert.equal((await head(stranger, url)).status, 404)
      assert.equal((await patch(stranger, url, 0, jpeg(1000))).status, 404)
      const deleted = await stranger.call('DELETE', url, undefined, { 'tus-resumable': '1.0.0' })
      assert.equal(deleted.status, 404)
      assert.equal((await head(owner, url)).offset, 0)
    })

    test('an upload past its time is gone', async (t) => {
      const account = await person()
      const { url, headers } = await create(account, 1000)
      const expires = new Date(headers.get('upload-expires') ?? '')
      await patch(account, url, 0, jpeg(1000).subarray(0, 400))
      now = () => new Date(expires.getTime() + 2000)
      t.after(() => {
        now = () => new Date()
      })
      assert.equal((await head(account, url)).status, 410)
      assert.equal((await patch(account, url, 400, jpeg(600))).status, 410)
      await server.engines.jobs.enqueue(server.engines.db, 'uploads:expire', {})
      await server.settleJobs()
      assert.equal((await storageOf(account)).reservedBytes, 0)
    })

    test('the server says what it can do, to programs and to browsers', async () => {
      const options = await fetch(`${server.address}/v1/tus`, { method: 'OPTIONS' })
      assert.equal(options.status, 204)
      assert.match(options.headers.get('tus-extension') ?? '', /creation-with-upload.*termination/)
      assert.equal(options.headers.get('tus-max-size'), String(1024 * mebibyte))
      const account = await person()
      const without = await account.call('POST', '/v1/tus', undefined, { 'upload-length': '5' })
      assert.equal(without.status, 412)
      assert.equal(without.headers.get('tus-version'), '1.0.0')
    })

    if (name === 'files') {
      test('no half-written file is left', async () => {
        assert.deepEqual(await readdir(join(server.dataDir, 'files', 'tmp')), [])
      })
    }
  })
}
