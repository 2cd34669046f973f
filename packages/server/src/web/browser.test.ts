/** The built site in a real browser, as this server sends it: nothing the headers forbid, nothing fetched in vain. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Browser, chromium, type Page } from 'playwright-core'
import { sessionCookie } from '../accounts/session-cookie.ts'
import { planPictures, writePicture } from '../cli/demo-pictures.ts'
import { startTestServer, type TestAccount, type TestServer } from '../testing/server.ts'
import { upload } from '../testing/upload.ts'
import { siteFolder } from './site.ts'

const executablePath = process.env.HELIOGRAPH_TEST_CHROMIUM
const skip = executablePath === undefined ? 'needs Chromium' : false
const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 3, isMobile: true, hasTouch: true }

describe('the site in a browser', { skip }, () => {
  let server: TestServer
  let ann: TestAccount
  let browser: Browser

  before(async () => {
    server = await startTestServer({}, { site: siteFolder })
    ann = await server.register('ann')
    const folder = await mkdtemp(join(tmpdir(), 'heliograph-site-'))
    for (const picture of planPictures(8)) await upload(ann, await readFile(await writePicture(picture, folder)))
    await rm(folder, { recursive: true })
    await server.settleJobs()
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox'] })
  })
  after(async () => {
    await browser.close()
    await server.close()
  })

  /** A page of somebody signed in, with what went wrong on it and what it asked for. */
  async function openPage(path: string, token: string | null, shape = {}) {
    const context = await browser.newContext(shape)
    if (token !== null) await context.addCookies([{ name: sessionCookie, value: token, url: server.address }])
    const page = await context.newPage()
    const complaints: string[] = []
    const asked: string[] = []
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('request', (request) => asked.push(request.url().slice(server.address.length)))
    await page.goto(server.address + path)
    await page.locator('h1').first().waitFor()
    return { page, complaints, asked, close: () => context.close() }
  }

  const imagesLoaded = (page: Page) =>
    page.waitForFunction(() => {
      const images = [...document.images].filter((image) => image.currentSrc.includes('/m/'))
      return images.length >= 6 && images.every((image) => image.complete && image.naturalWidth > 0)
    })

  for (const [name, shape] of Object.entries({ phone, desktop: {} })) {
    it(`shows the first photos on a ${name} from what came with the page`, async () => {
      const { page, complaints, asked, close } = await openPage('/photos', ann.token, shape)
      await imagesLoaded(page)
      const { preloaded, shown } = await page.evaluate(() => ({
        preloaded: performance
          .getEntriesByType('resource')
          .filter(
            (entry) => (entry as PerformanceResourceTiming).initiatorType === 'link' && entry.name.includes('/m/'),
          )
          .map((entry) => entry.name),
        shown: [...document.images].map((image) => image.currentSrc),
      }))
      assert.equal(preloaded.length, 6)
      assert.deepEqual(
        preloaded.filter((url) => !shown.includes(url)),
        [],
        'what was preloaded is shown',
      )
      assert.deepEqual(
        asked.filter((path) => /^\/v1\/(?:accounts|server|timeline)/.test(path)),
        [],
      )
      assert.equal(
        new Set(asked.filter((path) => path.startsWith('/m/'))).size,
        asked.filter((path) => path.startsWith('/m/')).length,
      )
      assert.deepEqual(complaints, [])
      await close()
    })
  }

  it('breaks none of its own rules on any page', async () => {
    const paths = ['/', '/photos', '/albums', '/favorites', '/trash', '/account', '/components']
    for (const [path, token] of [...paths.map((path) => [path, ann.token] as const), ['/sign-in', null] as const]) {
      const { complaints, close } = await openPage(path, token)
      assert.deepEqual(complaints, [], path)
      await close()
    }
  })
})
