import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readlink, truncate } from 'node:fs/promises'
import http from 'node:http'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ObjectStore } from '../engines/object-store/index.ts'
import { eventually, startTestEdge } from './test-edge.ts'

const alphabet = Buffer.from('abcdefghijklmnopqrstuvwxyz')

async function assertProblem(response: Response, status: number, code: string): Promise<void> {
  const { type } = (await response.json()) as { type: string }
  assert.deepEqual({ status: response.status, type }, { status, type: `/problems/${code}` })
  assert.equal(response.headers.get('cache-control'), 'no-store')
}

async function startWithAlphabet() {
  const edge = await startTestEdge({ now: () => new Date('2026-11-20T12:00:00.500Z') })
  await edge.keep('originals/one', alphabet)
  const url = await edge.getUrl()
  const get = (headers: Record<string, string> = {}, method = 'GET') => fetch(url, { headers, method })
  const info = await edge.store.head('originals/one')
  assert.ok(info !== null)
  return { edge, url, get, info }
}

describe('GET /m', () => {
  it('serves the bytes as the grant says', async () => {
    const { edge, get, info } = await startWithAlphabet()
    await using _ = edge
    const response = await get()
    assert.equal(response.status, 200)
    assert.equal(await response.text(), alphabet.toString())
    assert.partialDeepStrictEqual(Object.fromEntries(response.headers), {
      'content-type': 'image/jpeg',
      'content-length': '26',
      'content-disposition': 'inline; filename="one.jpg"',
      // 600 seconds from the whole second; half of one has passed.
      'cache-control': 'private, max-age=599, immutable',
      'x-content-type-options': 'nosniff',
      'content-security-policy': 'sandbox',
      'accept-ranges': 'bytes',
      etag: info.etag,
      'last-modified': info.lastModified.toUTCString(),
    })
    await eventually(() => edge.events.length === 1)
    assert.partialDeepStrictEqual(edge.events, [{ action: 'asset.download', objectKey: 'originals/one' }])
    assert.equal(edge.events[0]?.errorClass, undefined)
    assert.ok(edge.bytes.out >= 26)
  })

  it('answers HEAD with the same headers and no body', async () => {
    const { edge, get } = await startWithAlphabet()
    await using _ = edge
    const [got, head] = [await get(), await get({ range: 'bytes=0-1' }, 'HEAD')]
    const aboutTheConnection = ['date', 'connection', 'keep-alive']
    const aboutTheFile = ({ headers }: Response) => [...headers].filter(([name]) => !aboutTheConnection.includes(name))
    assert.equal(head.status, 200)
    assert.deepEqual(aboutTheFile(head), aboutTheFile(got))
    assert.equal(await head.text(), '')
  })

  it('never shows what could run script, and never under another name than the signed one', async () => {
    const { edge } = await startWithAlphabet()
    await using _ = edge
    for (const type of ['image/svg+xml', 'text/html', 'application/xhtml+xml', 'application/pdf']) {
      const response = await fetch(await edge.getUrl({ type, filename: 'a"b\r\nX: y/\u202egpj.exe' }))
      assert.equal(response.headers.get('content-type'), type)
      assert.equal(response.headers.get('content-disposition'), 'attachment; filename="a_b__X_ y__gpj.exe"')
      await response.body?.cancel()
    }
  })

  it('refuses forged and expired URLs and says what is gone', async () => {
    const { edge, url } = await startWithAlphabet()
    await using _ = edge
    await assertProblem(await fetch(url.replace('inline', 'attachment')), 403, 'invalid-signature')
    await assertProblem(await fetch(url.replace('/one', '%2Fone')), 403, 'invalid-signature')
    await assertProblem(await fetch(`${url}&download=1`), 403, 'invalid-signature')
    await assertProblem(await fetch(await edge.getUrl({ expires: 1 })), 410, 'link-expired')
    await assertProblem(await fetch(await edge.getUrl({ key: 'originals/two' })), 404, 'not-found')
    assert.deepEqual(
      edge.events.map((event) => event.errorClass),
      ['invalid-signature', 'invalid-signature', 'invalid-signature', 'link-expired', 'not-found'],
    )
  })

  describe('ranges', () => {
    const single: [range: string, contentRange: string, text: string][] = [
      ['bytes=0-0', 'bytes 0-0/26', 'a'],
      ['bytes=2-4', 'bytes 2-4/26', 'cde'],
      ['bytes=24-', 'bytes 24-25/26', 'yz'],
      ['bytes=24-999', 'bytes 24-25/26', 'yz'],
      ['bytes=-3', 'bytes 23-25/26', 'xyz'],
      ['bytes=-999', 'bytes 0-25/26', alphabet.toString()],
      ['Bytes= 2-4 , 5-6,,3-8', 'bytes 2-8/26', 'cdefghi'],
      ['bytes=2-4,99-', 'bytes 2-4/26', 'cde'],
    ]
    for (const [range, contentRange, text] of single) {
      it(`${range} is ${contentRange}`, async () => {
        const { edge, get } = await startWithAlphabet()
        await using _ = edge
        const response = await get({ range })
        assert.equal(response.status, 206)
        assert.equal(response.headers.get('content-range'), contentRange)
        assert.equal(response.headers.get('content-length'), String(text.length))
        assert.equal(await response.text(), text)
      })
    }

    const many = Array.from({ length: 17 }, (_, index) => `${index}-${index}`).join(',')
    for (const range of [
      'bytes=4-2',
      'bytes=a-b',
      'bytes=',
      'bytes=-',
      'lines=1-2',
      '2-4',
      'bytes=1-2-3',
      `bytes=${many}`,
    ]) {
      it(`${range} is ignored`, async () => {
        const { edge, get } = await startWithAlphabet()
        await using _ = edge
        const response = await get({ range })
        assert.equal(response.status, 200)
        assert.equal(await response.text(), alphabet.toString())
      })
    }

    for (const range of ['bytes=26-', 'bytes=99-100', 'bytes=-0', 'bytes=26-,99999999999999999999-']) {
      it(`${range} lies outside`, async () => {
        const { edge, get } = await startWithAlphabet()
        await using _ = edge
        const response = await get({ range })
        assert.equal(response.headers.get('content-range'), 'bytes */26')
        await assertProblem(response, 416, 'range-not-satisfiable')
      })
    }

    it('of an empty file lie outside', async () => {
      await using edge = await startTestEdge()
      await edge.keep('originals/one', Buffer.alloc(0))
      const url = await edge.getUrl()
      assert.equal((await fetch(url, { headers: { range: 'bytes=0-' } })).status, 416)
      const whole = await fetch(url)
      assert.deepEqual([whole.status, await whole.text()], [200, ''])
    })

    it('that are several come as multipart/byteranges', async () => {
      const { edge, get } = await startWithAlphabet()
      await using _ = edge
      const response = await get({ range: 'bytes=-2,0-1,10-12' })
      assert.equal(response.status, 206)
      const boundary = /^multipart\/byteranges; boundary=(.+)$/.exec(response.headers.get('content-type') ?? '')?.[1]
      const body = await response.text()
      assert.equal(response.headers.get('content-length'), String(body.length))
      const part = (range: string, text: string) =>
        `--${boundary}\r\nContent-Type: image/jpeg\r\nContent-Range: bytes ${range}/26\r\n\r\n${text}\r\n`
      assert.equal(body, `${part('0-1', 'ab')}${part('10-12', 'klm')}${part('24-25', 'yz')}--${boundary}--\r\n`)
    })
  })

  describe('conditions', () => {
    it('answer 304 without a body when the client has the file', async () => {
      const { edge, get, info } = await startWithAlphabet()
      await using _ = edge
      const later = new Date(info.lastModified.getTime() + 60_000).toUTCString()
      for (const headers of [
        { 'if-none-match': info.etag },
        { 'if-none-match': `"x", W/${info.etag}` },
        { 'if-none-match': '*' },
        { 'if-modified-since': info.lastModified.toUTCString() },
        { 'if-modified-since': later, range: 'bytes=0-1' },
      ]) {
        const response = await get(headers as Record<string, string>)
        assert.equal(response.status, 304, JSON.stringify(headers))
        assert.equal(response.headers.get('etag'), info.etag)
        assert.match(response.headers.get('cache-control') ?? '', /max-age=\d/)
        assert.equal(await response.text(), '')
      }
    })

    it('send it when the client has another', async () => {
      const { edge, get, info } = await startWithAlphabet()
      await using _ = edge
      const earlier = new Date(info.lastModified.getTime() - 60_000).toUTCString()
      for (const headers of [
        { 'if-none-match': '"x"', 'if-modified-since': info.lastModified.toUTCString() },
        { 'if-modified-since': earlier },
        { 'if-modified-since': 'x 1' },
        { 'if-match': info.etag },
      ]) {
        const response = await get(headers as Record<string, string>)
        assert.equal(response.status, 200, JSON.stringify(headers))
        await response.body?.cancel()
      }
      await assertProblem(await get({ 'if-match': '"x"' }), 412, 'precondition-failed')
      await assertProblem(await get({ 'if-unmodified-since': earlier }), 412, 'precondition-failed')
    })

    it('of If-Range decide between the part and the whole', async () => {
      const { edge, get, info } = await startWithAlphabet()
      await using _ = edge
      const status = async (condition: string) => (await get({ range: 'bytes=0-1', 'if-range': condition })).status
      assert.equal(await status(info.etag), 206)
      assert.equal(await status(info.lastModified.toUTCString()), 206)
      assert.equal(await status(`W/${info.etag}`), 200)
      assert.equal(await status('"x"'), 200)
      assert.equal(await status(new Date(0).toUTCString()), 200)
    })
  })

  describe('when the client stops', () => {
    async function stop(url: string, range: string): Promise<void> {
      const request = http.get(url, { headers: { range } })
      const [response] = (await once(request, 'response')) as [http.IncomingMessage]
      await once(response, 'data')
      request.destroy()
    }

    it('ends the read of the store', async () => {
      let reading: Readable | null = null
      const watched = (store: ObjectStore): ObjectStore => ({
        ...store,
        localPath: () => null,
        async get(...args) {
          const got = await store.get(...args)
          reading = got.body
          return got
        },
      })
      await using edge = await startTestEdge({ faulty: watched })
      await edge.keep('originals/one', randomBytes(30_000_000))
      for (const range of ['bytes=0-', 'bytes=0-1,5-']) {
        await stop(await edge.getUrl(), range)
        await eventually(() => reading?.closed === true)
      }
      await eventually(() => edge.events.length === 2)
      assert.deepEqual(
        edge.events.map((event) => event.errorClass),
        ['DownloadStopped', 'DownloadStopped'],
      )
      assert.ok(edge.bytes.out < 60_000_000)
    })

    it('closes the file', { skip: process.platform !== 'linux' && 'open files are listed in /proc' }, async () => {
      await using edge = await startTestEdge()
      await edge.keep('originals/one', randomBytes(30_000_000))
      const path = edge.store.localPath('originals/one')
      for (const range of ['bytes=0-', 'bytes=0-1,5-']) await stop(await edge.getUrl(), range)
      await eventually(() => edge.events.length === 2)
      await eventually(async () => {
        const open = (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''))
        return !(await Promise.all(open)).includes(path ?? '')
      })
    })
  })

  it('breaks the connection when the store fails half-way, so that no short file looks whole', async () => {
    const breaking = (store: ObjectStore): ObjectStore => ({
      ...store,
      localPath: () => null,
      async get(...args) {
        const info = await store.head(args[0])
        assert.ok(info !== null)
        async function* some() {
          yield Buffer.from('abc')
          await sleep(20)
          throw new Error('the disk is gone')
        }
        return { info, body: Readable.from(some(), { objectMode: false }) }
      },
    })
    await using edge = await startTestEdge({ faulty: breaking })
    await edge.keep('originals/one', randomBytes(100_000))
    const response = await fetch(await edge.getUrl())
    assert.equal(response.status, 200)
    await assert.rejects(response.text())
    await eventually(() => edge.events.length === 1)
    assert.equal(edge.events[0]?.errorClass, 'Error')
  })

  it('breaks the connection when the file is shorter than it was', async () => {
    await using edge = await startTestEdge()
    await edge.keep('originals/one', randomBytes(30_000_000))
    const request = http.get(await edge.getUrl())
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    await once(response, 'readable')
    await truncate(edge.store.localPath('originals/one') ?? '', 20_000_000)
    await assert.rejects(response.toArray(), { code: 'ECONNRESET' })
    await eventually(() => edge.events[0]?.errorClass === 'ObjectStoreError:unavailable')
  })

  it('closes the connection of a client that takes nothing', async () => {
    await using edge = await startTestEdge({ idleSeconds: 0.2 })
    await edge.keep('originals/one', randomBytes(30_000_000))
    const request = http.get(await edge.getUrl())
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    await eventually(() => edge.events.length === 1)
    assert.equal(edge.events[0]?.errorClass, 'DownloadStopped')
    await assert.rejects(response.toArray())
  })
})

describe('web pages of other origins', () => {
  it('may put and get when they are known', async () => {
    const { edge, url } = await startWithAlphabet()
    await using _ = edge
    const headers = { origin: 'https://photos.example' }
    const preflight = await fetch(await edge.putUrl(), {
      method: 'OPTIONS',
      headers: { ...headers, 'access-control-request-method': 'PUT' },
    })
    assert.equal(preflight.status, 204)
    assert.equal(preflight.headers.get('access-control-allow-methods'), 'PUT')
    assert.match(preflight.headers.get('access-control-allow-headers') ?? '', /Content-Digest/)
    for (const response of [preflight, await fetch(url, { headers }), await fetch(`${url}x`, { headers })]) {
      assert.equal(response.headers.get('access-control-allow-origin'), headers.origin)
      assert.match(response.headers.get('access-control-expose-headers') ?? '', /ETag, Content-Range, Accept-Ranges/)
      assert.equal(response.headers.get('vary'), 'Origin')
      await response.body?.cancel()
    }
  })

  it('may not when they are not', async () => {
    const { edge, url } = await startWithAlphabet()
    await using _ = edge
    const response = await fetch(url, { headers: { origin: 'https://elsewhere.example' } })
    assert.equal(response.headers.get('access-control-allow-origin'), null)
    await response.body?.cancel()
  })
})
