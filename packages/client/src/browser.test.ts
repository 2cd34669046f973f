import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, afterEach, before, describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { type Browser, chromium, type Page } from 'playwright-core'
import type * as Library from './index.ts'
import { type ScriptedServer, type ServerOptions, startScriptedServer } from './testing.ts'

const executablePath = process.env.HELIOGRAPH_TEST_CHROMIUM
const part = 64 * 1024

/** What the page below has under `window`. */
interface PageWindow {
  heliograph: typeof Library
  file: File
  task: Library.UploadTask
}

async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true,
    write: false,
    format: entry.includes('worker') ? 'esm' : 'iife',
    globalName: 'heliograph',
    platform: 'browser',
    logLevel: 'silent',
  })
  return outputFiles[0]?.text ?? ''
}

describe('in a browser', {
  skip: executablePath === undefined ? 'HELIOGRAPH_TEST_CHROMIUM names no browser' : false,
}, () => {
  let browser: Browser
  let library: string
  let worker: string
  const servers: ScriptedServer[] = []

  before(async () => {
    ;[library, worker] = await Promise.all([bundle('./index.ts'), bundle('./hash-worker.ts')])
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox'] })
  })
  after(() => browser.close())
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()))
  })

  /** A page of the server's own origin with the library and a file of `bytes`. */
  async function open(options: ServerOptions, bytes: Buffer): Promise<{ server: ScriptedServer; page: Page }> {
    const server = await startScriptedServer(options)
    servers.push(server)
    const page = await browser.newPage()
    await page.route('**/page', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }))
    await page.route('**/worker.js', (route) => route.fulfill({ contentType: 'text/javascript', body: worker }))
    await page.route('**/file', (route) => route.fulfill({ contentType: 'image/jpeg', body: bytes }))
    await load(page, server)
    return { server, page }
  }

  async function load(page: Page, server: ScriptedServer): Promise<void> {
    await page.goto(`${server.baseUrl}/page`)
    await page.addScriptTag({ content: `${library};window.heliograph = heliograph` })
    await page.evaluate(async () => {
      const blob = await (await fetch('/file')).blob()
      const { heliograph } = window as unknown as PageWindow
      const hashing = new Worker('/worker.js', { type: 'module' })
      const uploader = heliograph.createUploader({
        client: heliograph.createClient({ baseUrl: location.origin, token: 'secret' }),
        hasher: heliograph.createWorkerHasher(hashing),
        resumeStore: heliograph.createBrowserResumeStore(localStorage),
        concurrency: { parts: 2 },
        retry: { baseMs: 5, capMs: 20 },
      })
      const file = new File([blob], 'photo.jpg', { type: 'image/jpeg', lastModified: 1 })
      Object.assign(window, { file, task: uploader.add(file) })
    })
  }

  const outcome = (page: Page) =>
    page.evaluate(async () => {
      const { task } = window as unknown as PageWindow
      await task.done
      return task.progress()
    })

  function storedBytes(server: ScriptedServer): Buffer {
    const parts = [...server.uploads.values()].flatMap((upload) => [...upload.parts])
    return Buffer.concat(parts.sort(([a], [b]) => a - b).map(([, bytes]) => bytes))
  }

  it('a file is hashed in a worker and uploaded, whatever happens to the connections', async () => {
    const bytes = randomBytes(part * 6 + 5)
    const { server, page } = await open(
      {
        script: ({ method, part: number, earlier }) =>
          method === 'PUT' && earlier === 0 ? ([undefined, 'drop', { status: 503 }] as const)[number % 3] : undefined,
      },
      bytes,
    )
    const { state, uploadedBytes, hashedBytes } = await outcome(page)
    assert.equal(state, 'completed')
    assert.equal(uploadedBytes, bytes.length)
    assert.equal(hashedBytes, bytes.length)
    assert.deepEqual(storedBytes(server), bytes)
  })

  it('an upload goes on after the page was reloaded', async () => {
    const bytes = randomBytes(part * 4)
    const held = Promise.withResolvers<void>()
    let isReloaded = false
    const { server, page } = await open(
      {
        script({ method, part: number }) {
          if (method !== 'PUT' || isReloaded || number < 4) return undefined
          held.resolve()
          return 'stall'
        },
      },
      bytes,
    )
    await held.promise
    while (storedBytes(server).length < part * 3) await setTimeout(5)
    isReloaded = true
    await load(page, server)
    assert.equal((await outcome(page)).state, 'completed')
    assert.deepEqual(storedBytes(server), bytes)
    assert.equal(server.puts().filter((put) => put.part < 4).length, 3, 'nothing was sent twice')
    assert.equal(server.uploads.size, 1)
  })
})
