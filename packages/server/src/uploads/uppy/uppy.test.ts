/** An unmodified Uppy in a real browser, on a page of another origin, against a real server on every store. */
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, afterEach, before, describe, test } from 'node:test'
import { CreateBucketCommand, PutBucketCorsCommand } from '@aws-sdk/client-s3'
import type AwsS3 from '@uppy/aws-s3'
import type Uppy from '@uppy/core'
import { build } from 'esbuild'
import { type Browser, chromium, type Page } from 'playwright-core'
import { connect } from '../../engines/object-store/s3/client.ts'
import { corsRules } from '../../engines/object-store/s3/cors.ts'
import { parseS3Url } from '../../engines/object-store/s3/url.ts'
import { jpeg, sha256 } from '../../testing/photos.ts'
import { stores } from '../../testing/s3-and-files.ts'
import { startTestServer, type TestAccount, type TestServer } from '../../testing/server.ts'
import { storageOf } from '../../testing/upload.ts'

const executablePath = process.env.HELIOGRAPH_TEST_CHROMIUM
const mebibyte = 1024 * 1024
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** What the page has under `window`. */
interface PageWindow {
  library: { Uppy: typeof Uppy; AwsS3: typeof AwsS3 }
  uppy: Uppy
}

interface Outcome {
  succeeded: string[]
  failed: string[]
  state: { s3Multipart?: { uploadId: string; key: string } } | null
}

/** The page, its script, and the file it uploads. */
async function startPages(files: Map<string, Buffer>): Promise<{ server: Server; origin: string }> {
  const { outputFiles } = await build({
    stdin: {
      contents: `export { default as Uppy } from '@uppy/core'; export { default as AwsS3 } from '@uppy/aws-s3'`,
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'library',
    platform: 'browser',
    logLevel: 'silent',
  })
  const script = outputFiles[0]?.text ?? ''
  const server = createServer((request, response) => {
    const file = files.get((request.url ?? '').slice(1))
    if (file !== undefined) response.end(file)
    else if (request.url === '/library.js') response.setHeader('content-type', 'text/javascript').end(script)
    else response.setHeader('content-type', 'text/html').end('<!doctype html><script src="/library.js"></script>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** A bucket of its own, which pages of every origin may write to. */
async function openBucket(url: string): Promise<string> {
  const own = new URL(url)
  own.hostname = 'heliograph-uppy'
  const { client, bucket } = connect(parseS3Url(own.href), 10_000)
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  await client.send(new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration: { CORSRules: corsRules(['*']) } }))
  client.destroy()
  return own.href
}

for (const { name, skip, environment } of stores) {
  const without = executablePath === undefined ? 'HELIOGRAPH_TEST_CHROMIUM names no browser' : skip
  describe(`Uppy on ${name}`, { skip: without }, () => {
    const files = new Map<string, Buffer>()
    let pages: { server: Server; origin: string }
    let browser: Browser
    let server: TestServer
    let page: Page
    let count = 0

    before(async () => {
      pages = await startPages(files)
      const settings = environment()
      if (settings.OBJECT_STORE_URL !== undefined) {
        settings.OBJECT_STORE_URL = await openBucket(settings.OBJECT_STORE_URL)
      }
      server = await startTestServer({ ...settings, CORS_ORIGINS: pages.origin })
      browser = await chromium.launch({ executablePath: executablePath ?? '', args: flags })
    })
    after(async () => {
      await browser.close()
      await server.close()
      pages.server.closeAllConnections()
      pages.server.close()
    })
    afterEach(() => page?.close())

    /** An account, and the endpoint that a page with its upload token uses. */
    async function person() {
      count += 1
      const account = await server.register(`person${count}`)
      const { body } = await account.call('POST', '/v1/accounts/me/tokens', {
        name: 'a web page',
        scopes: ['uploads:write'],
        expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
      })
      return { account, token: body.token as string, endpoint: `${server.address}/v1/uppy/${body.token}` }
    }

    async function openPage(): Promise<Page> {
      page = await browser.newPage()
      await page.goto(pages.origin)
      return page
    }

    /** Adds the file to a new Uppy in the page and uploads it; `resumed` is what Golden Retriever brings back. */
    async function uploadIn(
      inPage: Page,
      endpoint: string,
      file: { name: string; type: string; bytes: Buffer },
      options: { shouldUseMultipart: boolean; resumed?: object; meta?: Record<string, string> },
    ): Promise<Outcome> {
      files.set(file.name, file.bytes)
      return inPage.evaluate(
        async ({ endpoint, name, type, shouldUseMultipart, resumed, meta }) => {
          const { library } = window as unknown as PageWindow
          const uppy = new library.Uppy()
          Object.assign(window, { uppy })
          uppy.use(library.AwsS3, { companionEndpoint: endpoint, shouldUseMultipart })
          const data = await (await fetch(`/${name}`)).blob()
          const id = uppy.addFile({ name, type, data: new File([data], name, { type }), meta: meta ?? {} })
          if (resumed !== undefined) uppy.setFileState(id, { s3Multipart: resumed } as never)
          const result = await uppy.upload()
          return {
            succeeded: (result?.successful ?? []).map(({ uploadURL }) => uploadURL ?? ''),
            failed: (result?.failed ?? []).map(({ error }) => error ?? ''),
            state: uppy.getFile(id) as unknown as Outcome['state'],
          }
        },
        { endpoint, name: file.name, type: file.type, ...options },
      )
    }

    /** The account's only asset, once it is there. */
    async function onlyAsset(account: TestAccount) {
      const deadline = Date.now() + 20_000
      for (;;) {
        const { body } = await account.call('GET', '/v1/assets')
        if (body.items.length > 0 || Date.now() > deadline) {
          assert.equal(body.items.length, 1)
          return body.items[0]
        }
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    }

    async function assertKept(account: TestAccount, bytes: Buffer) {
      const asset = await onlyAsset(account)
      const { body } = await account.call('GET', asset.urls.original)
      assert.equal(sha256(body), sha256(bytes))
      const { usedBytes, reservedBytes } = await storageOf(account)
      assert.deepEqual({ usedBytes, reservedBytes }, { usedBytes: bytes.length, reservedBytes: 0 })
      return asset
    }

    async function assertNothing(account: TestAccount) {
      const { usedBytes, reservedBytes } = await storageOf(account)
      assert.deepEqual({ usedBytes, reservedBytes }, { usedBytes: 0, reservedBytes: 0 })
      assert.deepEqual((await account.call('GET', '/v1/assets')).body.items, [])
    }

    test('a small file arrives as a form', async () => {
      const { account, endpoint } = await person()
      const bytes = jpeg(300_000)
      const file = { name: 'holiday.jpg', type: 'image/jpeg', bytes }
      const meta = { capturedAt: '2020-02-03T04:05:06.000Z', caption: 'At the sea' }
      const { succeeded, failed } = await uploadIn(await openPage(), endpoint, file, {
        shouldUseMultipart: false,
        meta,
      })
      assert.deepEqual(failed, [])
      assert.equal(succeeded.length, 1)
      if (name === 'files') assert.equal((await account.call('GET', '/v1/assets')).body.items.length, 1)
      const asset = await assertKept(account, bytes)
      assert.equal(asset.filename, 'holiday.jpg')
      assert.equal(asset.capturedAt, meta.capturedAt)
    })

    test('a large file arrives in parts', async () => {
      const { account, endpoint } = await person()
      const bytes = jpeg(11 * mebibyte + 3)
      const file = { name: 'large.jpg', type: 'image/jpeg', bytes }
      const { succeeded, failed } = await uploadIn(await openPage(), endpoint, file, { shouldUseMultipart: true })
      assert.deepEqual(failed, [])
      const asset = await assertKept(account, bytes)
      assert.equal(succeeded[0], `${server.url}/v1/assets/${asset.id}`)
    })

    test('an upload that broke off goes on after the page was reloaded, with what is missing', async () => {
      const { account, endpoint } = await person()
      const bytes = jpeg(11 * mebibyte)
      const file = { name: 'broken.jpg', type: 'image/jpeg', bytes }
      const opened = await openPage()
      const puts: string[] = []
      let isBroken = true
      await opened.route(
        (url) => url.origin !== pages.origin,
        (route) => {
          if (route.request().method() !== 'PUT') return route.continue()
          puts.push(route.request().url())
          return isBroken && puts.length > 1 ? route.abort('connectionreset') : route.continue()
        },
      )
      const broken = await uploadIn(opened, endpoint, file, { shouldUseMultipart: true })
      assert.equal(broken.failed.length, 1)
      const resumed = broken.state?.s3Multipart
      assert.ok(resumed)

      isBroken = false
      puts.length = 0
      await opened.reload()
      const { failed } = await uploadIn(opened, endpoint, file, { shouldUseMultipart: true, resumed })
      assert.deepEqual(failed, [])
      assert.equal(puts.length, 2, 'the first of three parts was not sent again')
      await assertKept(account, bytes)

      // The answer to completing was lost: the client asks what is there, sends nothing, and completes once more.
      puts.length = 0
      await opened.reload()
      const repeated = await uploadIn(opened, endpoint, file, { shouldUseMultipart: true, resumed })
      assert.deepEqual(repeated.failed, [])
      assert.equal(puts.length, 0)
      await assertKept(account, bytes)
    })

    test('what is no photo is refused before it is sent, and the person is told why', async () => {
      const { account, endpoint } = await person()
      const file = { name: 'page.html', type: 'text/html', bytes: Buffer.from('<p>hello</p>') }
      const opened = await openPage()
      for (const shouldUseMultipart of [false, true]) {
        const { failed } = await uploadIn(opened, endpoint, file, { shouldUseMultipart })
        assert.deepEqual(failed, ['Companion request failed: This type of file is not supported'])
      }
      await assertNothing(account)
    })

    test('a page named .jpg is found out when it completes, and leaves nothing', async () => {
      const { account, endpoint } = await person()
      const bytes = Buffer.from('<!doctype html><p>not a photo</p>'.repeat(100))
      const file = { name: 'liar.jpg', type: 'image/jpeg', bytes }
      const { failed } = await uploadIn(await openPage(), endpoint, file, { shouldUseMultipart: true })
      assert.deepEqual(failed, ['Companion request failed: The bytes are not what they claim to be'])
      await assertNothing(account)
    })

    test('parts that exceed the quota are refused when they are counted, and given back', async () => {
      const { account, endpoint } = await person()
      const bytes = jpeg(6 * mebibyte)
      await server.engines.pool.query(`update storage_quota set limit_bytes = $2 where account_id = $1`, [
        account.id,
        bytes.length - 1,
      ])
      const file = { name: 'much.jpg', type: 'image/jpeg', bytes }
      const { failed } = await uploadIn(await openPage(), endpoint, file, { shouldUseMultipart: true })
      assert.deepEqual(failed, ['Companion request failed: Not enough storage left'])
      await assertNothing(account)
      const { rows } = await server.engines.pool.query(`select state, failure from upload where owner_id = $1`, [
        account.id,
      ])
      assert.deepEqual(
        rows.map(({ state }: { state: string }) => state),
        ['aborted'],
      )
    })

    test('a form larger than the quota is refused', async () => {
      const { account, endpoint } = await person()
      await server.engines.pool.query(`update storage_quota set limit_bytes = 1000 where account_id = $1`, [account.id])
      const file = { name: 'much.jpg', type: 'image/jpeg', bytes: jpeg(200_000) }
      const { failed } = await uploadIn(await openPage(), endpoint, file, { shouldUseMultipart: false })
      assert.equal(failed.length, 1)
      assert.equal((await storageOf(account)).usedBytes, 0)
    })

    test('removing a file ends its upload', async () => {
      const { account, endpoint } = await person()
      const created = await post(`${endpoint}/s3/multipart`, { filename: 'a.jpg', type: 'image/jpeg', metadata: {} })
      const { uploadId, key } = created.body
      const url = `${endpoint}/s3/multipart/${uploadId}?${new URLSearchParams({ key })}`
      assert.equal((await fetch(url, { method: 'DELETE' })).status, 200)
      assert.equal((await fetch(url)).status, 410)
      await assertNothing(account)
    })

    test("a token opens the account's own uploads by their own keys, and no other token opens any", async () => {
      const [one, other] = [await person(), await person()]
      const { body } = await post(`${one.endpoint}/s3/multipart`, { filename: 'a.jpg', type: 'image/jpeg' })
      const path = (key: string) => `/s3/multipart/${body.uploadId}?${new URLSearchParams({ key })}`
      assert.equal((await fetch(one.endpoint + path(body.key))).status, 200)
      assert.equal((await fetch(one.endpoint + path('originals/00000000000000000000000000000000'))).status, 404)
      assert.equal((await fetch(other.endpoint + path(body.key))).status, 404)
      const session = `${server.address}/v1/uppy/${one.account.token}`
      assert.equal((await fetch(session + path(body.key))).status, 401)
      const batch = await fetch(`${one.endpoint}${path(body.key).replace('?', '/batch?')}&partNumbers=1,3`)
      assert.deepEqual(Object.keys((await batch.json()).presignedUrls), ['1', '3'])
    })

    test('a form that is posted again changes nothing', async () => {
      const { account, endpoint } = await person()
      const query = new URLSearchParams({ filename: 'a.jpg', type: 'image/jpeg' })
      const { url, fields } = await (await fetch(`${endpoint}/s3/params?${query}`)).json()
      const bytes = jpeg(5000)
      const send = (content: Buffer) => {
        const form = new FormData()
        for (const [field, value] of Object.entries(fields)) form.set(field, String(value))
        form.set('file', new File([content as BlobPart], 'a.jpg', { type: 'image/jpeg' }))
        return fetch(url, { method: 'POST', body: form })
      }
      assert.ok((await send(bytes)).ok)
      await assertKept(account, bytes)
      assert.ok((await send(name === 'files' ? bytes : jpeg(6000))).ok)
      await server.settleJobs()
      await assertKept(account, bytes)
    })
  })
}

async function post(url: string, body: unknown) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  assert.equal(response.status, 200)
  // biome-ignore lint/suspicious/noExplicitAny: what is asserted on says its own type.
  return { body: (await response.json()) as any }
}
