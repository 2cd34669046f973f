/**
 * The site as a person meets it: the whole server with the built site, and a real Chromium. Every test gets a browser profile
 * of its own; what a page looked like is kept under `artifacts/screens`.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { startTestServer, type TestServer } from '../../../../server/src/testing/server.ts'

export const executablePath: string | undefined = process.env.HELIOGRAPH_TEST_CHROMIUM
export const withoutBrowser: string | false =
  executablePath === undefined ? 'HELIOGRAPH_TEST_CHROMIUM names no browser' : false

const screens = join(import.meta.dirname, '..', '..', '..', '..', '..', 'artifacts', 'screens')

export const desktop = { viewport: { width: 1280, height: 800 } }
export const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 }
export const narrow = { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true }

export interface Visit {
  context: BrowserContext
  page: Page
  /** What the page complained of: errors, broken policies, answers of 500 and more. */
  complaints: string[]
}

export interface SiteUnderTest {
  server: TestServer
  /** A new profile, on a page of its own; nobody is signed in. */
  visit(options?: Parameters<Browser['newContext']>[0]): Promise<Visit>
  close(): Promise<void>
}

export async function startSite(environment: Record<string, string> = {}): Promise<SiteUnderTest> {
  const server = await startTestServer(environment)
  const browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox'] })
  return {
    server,
    async visit(options = desktop) {
      const context = await browser.newContext({ baseURL: server.address, locale: 'en-GB', ...options })
      context.setDefaultTimeout(30_000)
      const page = await context.newPage()
      const complaints: string[] = []
      page.on('pageerror', (error) => complaints.push(`${error.message}\n${error.stack}`))
      page.on('console', (message) => {
        // That a request was refused or lost is told by the page, and the browser says it again here.
        const isOfNetwork = message.text().startsWith('Failed to load resource')
        if (message.type() === 'error' && !isOfNetwork) complaints.push(message.text())
      })
      page.on('response', (response) => {
        if (response.status() >= 500) complaints.push(`${response.status()} ${response.url()}`)
      })
      return { context, page, complaints }
    },
    async close() {
      await browser.close()
      await server.close()
    },
  }
}

export interface Person {
  handle: string
  email: string
  password: string
}

export function person(handle: string): Person {
  return { handle, email: `${handle}@example.org`, password: 'correct horse battery' }
}

/** Has an account made without the pages, and the cookie of its session in the profile. */
export async function signedIn(site: SiteUnderTest, { context }: Visit, handle: string): Promise<Person> {
  const account = person(handle)
  const answer = await context.request.post('/v1/accounts', { data: { ...account, name: handle } })
  if (answer.status() !== 201) throw new Error(`Registering answered ${answer.status()}: ${await answer.text()}`)
  const session = await context.request.post('/v1/sessions', {
    data: { email: account.email, password: account.password },
  })
  if (session.status() !== 201) throw new Error(`Signing in answered ${session.status()}`)
  await site.server.settleJobs()
  return account
}

/** Keeps a picture of the page for people to look at. */
export async function shoot(page: Page, name: string): Promise<void> {
  await mkdir(screens, { recursive: true })
  await page.screenshot({ path: join(screens, `${name}.png`) })
}

/** Holds files over the page, as the browser's own drag and drop does. */
export async function dragFiles(page: Page, paths: string[]): Promise<void> {
  const session = await page.context().newCDPSession(page)
  const { width = 800, height = 600 } = page.viewportSize() ?? {}
  const data = { items: [], files: paths, dragOperationsMask: 1 }
  for (const type of ['dragEnter', 'dragOver'] as const) {
    await session.send('Input.dispatchDragEvent', { type, x: width / 2, y: height / 2, data })
  }
  await session.detach()
}

/** Lets go of files and folders over the page, as the browser's own drag and drop does. */
export async function dropFiles(page: Page, paths: string[]): Promise<void> {
  const session = await page.context().newCDPSession(page)
  const { width = 800, height = 600 } = page.viewportSize() ?? {}
  const data = { items: [], files: paths, dragOperationsMask: 1 }
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await session.send('Input.dispatchDragEvent', { type, x: width / 2, y: height / 2, data })
  }
  await session.detach()
}
