/**
 * (k) The album site in a real Chromium: how soon a phone and a desktop show a library of 10,000 photos, and how a library
 * of 200,000 scrolls. Measured through the DevTools protocol, with throttling by Chromium itself.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { type Browser, type BrowserContext, type CDPSession, chromium, type Page } from 'playwright-core'
import { startEmbeddedPostgres } from '../packages/server/src/engines/database/embedded/embedded-postgres.ts'
import { answers, benchDirectory, end, freePort } from './contender.ts'
import type { BenchContext } from './context.ts'
import { fillLibrary } from './large-library.ts'
import { median, type Section, type Target } from './report.ts'

interface Profile {
  label: string
  viewport: { width: number; height: number }
  pixelRatio: number
  isPhone: boolean
  /** Bits a second each way, and milliseconds there and back; null for the bare loopback. */
  network: { down: number; up: number; roundTrip: number } | null
  /** How many times slower than this machine. */
  cpuSlowdown: number
}

/** The network is that of WebPageTest's "4G", the slowdown that of Lighthouse's mid-range phone. */
const phone: Profile = {
  label: 'phone, 4G (9 Mbit/s, 170 ms), CPU 4x slower',
  viewport: { width: 390, height: 844 },
  pixelRatio: 3,
  isPhone: true,
  network: { down: 9_000_000, up: 9_000_000, roundTrip: 170 },
  cpuSlowdown: 4,
}

/** What Lighthouse takes for its mobile score; no target is set for it. */
const slowPhone: Profile = {
  ...phone,
  label: 'phone, Lighthouse "slow 4G" (1.6 Mbit/s, 150 ms), CPU 4x slower',
  network: { down: 1_638_400, up: 768_000, roundTrip: 150 },
}

const desktop: Profile = {
  label: 'desktop, no throttling',
  viewport: { width: 1280, height: 800 },
  pixelRatio: 1,
  isPhone: false,
  network: null,
  cpuSlowdown: 1,
}

interface Load {
  /** Milliseconds from the navigation. */
  largestPaint: number
  /** Milliseconds from the navigation until the load event. */
  loaded: number
  layoutShift: number
  /** Milliseconds from a press on the first photo's check circle until the next frame. */
  interaction: number
  /** Compressed bytes of scripts, and of everything, until the page is at rest. */
  scriptBytes: number
  bytes: number
  requests: number
}

interface Scroll {
  framesPerSecond: number
  /** Milliseconds of the 99th percentile and the longest of a frame. */
  slow: number
  longest: number
  /** Megabytes of the heap after a collection: before, and after the whole way. */
  heapBefore: number
  heapAfter: number
  /** Elements in the document at the end. */
  elements: number
}

const person = { handle: 'bench', name: 'Bench', email: 'bench@example.org', password: 'correct horse battery staple' }

export async function site(context: BenchContext): Promise<Section> {
  const smaller = context.quick
  const loads = new Map<Profile, Load[]>()
  let server = await startSite(smaller ? 1_000 : 10_000)
  let browser = await launch()
  try {
    for (let round = 0; round < context.rounds; round += 1) {
      for (const profile of [phone, slowPhone, desktop]) {
        const load = await measureLoad(browser, server.url, profile)
        process.stderr.write(`  ${profile.label}: ${JSON.stringify(load)}\n`)
        loads.set(profile, [...(loads.get(profile) ?? []), load])
      }
    }
  } finally {
    await browser.close()
    await server.stop()
  }

  const scrolls: Scroll[] = []
  server = await startSite(smaller ? 5_000 : 200_000)
  browser = await launch()
  try {
    for (let round = 0; round < context.rounds; round += 1) {
      const scroll = await measureScroll(browser, server.url, smaller ? 3 : 20)
      process.stderr.write(`  scrolling: ${JSON.stringify(scroll)}\n`)
      scrolls.push(scroll)
    }
  } finally {
    await browser.close()
    await server.stop()
  }
  return describe(loads, scrolls)
}

function describe(loads: Map<Profile, Load[]>, scrolls: Scroll[]): Section {
  const of = (profile: Profile, value: (load: Load) => number) => median((loads.get(profile) ?? []).map(value))
  const scrolled = (value: (scroll: Scroll) => number) => median(scrolls.map(value))
  const rows = [...loads.keys()].map((profile) => [
    profile.label,
    of(profile, (load) => load.largestPaint).toFixed(0),
    of(profile, (load) => load.loaded).toFixed(0),
    of(profile, (load) => load.layoutShift).toFixed(3),
    of(profile, (load) => load.interaction).toFixed(0),
    (of(profile, (load) => load.scriptBytes) / 1000).toFixed(0),
    (of(profile, (load) => load.bytes) / 1000).toFixed(0),
    of(profile, (load) => load.requests).toFixed(0),
  ])
  const published = ['published system, before / after', '5000 / 1500', '6000 / 500-1000', '', '', '', '', '']
  const most = (what: string, wanted: number, measured: number, digits = 0): Target => ({
    what,
    wanted: `at most ${wanted}`,
    measured: measured.toFixed(digits),
    met: measured <= wanted,
  })
  return {
    id: 'k',
    title: 'The album site: first screen of 10,000 photos, and scrolling through 200,000',
    method:
      'Chromium, headless, in a fresh profile that is signed in by its cookie, each load with an empty cache. LCP, CLS and the time of an interaction are ' +
      'what the browser reports; bytes are those on the wire until nothing was fetched for half a second. The pictures have as many bytes as photos. ' +
      `Scrolling: 200,000 assets over twelve years, each with a file of its own, 60 px a frame (3,600 px a second) and then jumps through all the years; ` +
      `frames as requestAnimationFrame sees them: ${scrolled((one) => one.framesPerSecond).toFixed(1)} a second, 99th percentile ${scrolled((one) => one.slow).toFixed(0)} ms, ` +
      `longest ${scrolled((one) => one.longest).toFixed(0)} ms; heap ${scrolled((one) => one.heapBefore).toFixed(0)} MB before and ${scrolled((one) => one.heapAfter).toFixed(0)} MB ` +
      `after, ${scrolled((one) => one.elements).toFixed(0)} elements in the document at the end. Browser, server and database share the machine.`,
    header: ['profile', 'LCP ms', 'load ms', 'CLS', 'interaction ms', 'JS KB', 'all KB', 'requests'],
    rows: [...rows, published],
    targets: [
      most(
        'phone: LCP, ms',
        1200,
        of(phone, (load) => load.largestPaint),
      ),
      most(
        'desktop: LCP, ms',
        500,
        of(desktop, (load) => load.largestPaint),
      ),
      most(
        'phone: CLS',
        0.02,
        of(phone, (load) => load.layoutShift),
        3,
      ),
      most(
        'desktop: CLS',
        0.02,
        of(desktop, (load) => load.layoutShift),
        3,
      ),
      most(
        'phone: first interaction, ms',
        100,
        of(phone, (load) => load.interaction),
      ),
      most('JavaScript of the first page, KB', 90, of(phone, (load) => load.scriptBytes) / 1000),
      most('phone: first screen, KB', 400, of(phone, (load) => load.bytes) / 1000),
      {
        what: 'scrolling 200,000, frames a second',
        wanted: 'at least 50',
        measured: scrolled((one) => one.framesPerSecond).toFixed(1),
        met: scrolled((one) => one.framesPerSecond) >= 50,
      },
    ],
  }
}

interface Site {
  url: string
  stop(): Promise<void>
}

async function startSite(assets: number): Promise<Site> {
  const directory = await mkdtemp(join(benchDirectory(), 'heliograph-bench-site-'))
  const postgres = await startEmbeddedPostgres({
    dataDir: join(directory, 'postgres'),
    log: { info: () => undefined, error: (fields, message) => console.error(message, fields) },
  })
  const port = await freePort()
  const program = fileURLToPath(new URL('../packages/server/src/cli/main.ts', import.meta.url))
  const child: ChildProcess = spawn(process.execPath, [program, 'serve'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      PORT: String(port),
      OPS_PORT: '0',
      DATA_DIR: directory,
      DATABASE_URL: postgres.url,
      LOG_LEVEL: 'silent',
    },
  })
  const stop = async () => {
    await end(child)
    await postgres.stop()
    await rm(directory, { recursive: true, force: true })
  }
  try {
    const url = `http://127.0.0.1:${port}`
    await answers(`${url}/readyz`, child)
    const registered = await fetch(`${url}/v1/accounts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(person),
    })
    const { account } = (await registered.json()) as { account: { id: string } }
    const pool = new pg.Pool({ connectionString: postgres.url })
    await fillLibrary({ pool, dataDir: directory, accountId: account.id, assets, years: 12 })
    await pool.end()
    return { url, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.HELIOGRAPH_TEST_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--enable-precise-memory-info', '--js-flags=--expose-gc'],
  })
}

async function openSignedIn(browser: Browser, url: string, profile: Profile): Promise<BrowserContext> {
  const context = await browser.newContext({
    viewport: profile.viewport,
    deviceScaleFactor: profile.pixelRatio,
    isMobile: profile.isPhone,
    hasTouch: profile.isPhone,
    serviceWorkers: 'block',
  })
  const { email, password } = person
  const answer = await context.request.post(`${url}/v1/sessions`, { data: { email, password } })
  if (answer.status() !== 201) throw new Error(`Signing in answered ${answer.status()}`)
  return context
}

async function measureLoad(browser: Browser, url: string, profile: Profile): Promise<Load> {
  const context = await openSignedIn(browser, url, profile)
  try {
    const page = await context.newPage()
    const session = await context.newCDPSession(page)
    const traffic = await watchTraffic(session)
    await throttle(session, profile)
    await page.addInitScript(observe)
    await page.goto(`${url}/photos`, { waitUntil: 'load' })
    await page.waitForFunction(() => (globalThis as unknown as Observed).observed.largestPaint > 0)
    await traffic.rest()
    const { scriptBytes, bytes, requests } = traffic
    const seen = await page.evaluate(() => {
      const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[]
      return { ...(globalThis as unknown as Observed).observed, loaded: navigation?.loadEventEnd ?? Number.NaN }
    })
    return { ...seen, interaction: await measureInteraction(page, profile), scriptBytes, bytes, requests }
  } finally {
    await context.close()
  }
}

interface Observed {
  observed: { largestPaint: number; layoutShift: number }
}

/** Runs in the page before anything of it. */
function observe(): void {
  const observed = { largestPaint: 0, layoutShift: 0 }
  ;(globalThis as unknown as Observed).observed = observed
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) observed.largestPaint = entry.startTime
  }).observe({ type: 'largest-contentful-paint', buffered: true })
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[]) {
      if (!entry.hadRecentInput) observed.layoutShift += entry.value
    }
  }).observe({ type: 'layout-shift', buffered: true })
}

/** The longest event of the first press, as the browser's event timing (the measure behind INP) has it. */
async function measureInteraction(page: Page, profile: Profile): Promise<number> {
  const settled = page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        let longest = 0
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries() as (PerformanceEntry & { interactionId: number })[]) {
            if (entry.interactionId !== 0) longest = Math.max(longest, entry.duration)
          }
        }).observe({ type: 'event', durationThreshold: 16, buffered: true } as PerformanceObserverInit)
        setTimeout(() => resolve(longest === 0 ? 16 : longest), 3_000)
      }),
  )
  // A photo is opened: the most that a first press does.
  const tile = page.locator('main a:has(img)').first()
  await (profile.isPhone ? tile.tap() : tile.click())
  return settled
}

async function throttle(session: CDPSession, { network, cpuSlowdown }: Profile): Promise<void> {
  await session.send('Emulation.setCPUThrottlingRate', { rate: cpuSlowdown })
  if (network === null) return
  await session.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: network.roundTrip,
    downloadThroughput: network.down / 8,
    uploadThroughput: network.up / 8,
  })
}

async function watchTraffic(session: CDPSession) {
  const types = new Map<string, string>()
  let last = performance.now()
  const traffic = {
    scriptBytes: 0,
    bytes: 0,
    requests: 0,
    /** Until nothing has arrived for half a second. The stream of events has no end and does not count. */
    async rest() {
      while (performance.now() - last < 500) await new Promise((resolve) => setTimeout(resolve, 50))
    },
  }
  session.on('Network.responseReceived', ({ requestId, type }) => types.set(requestId, type))
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    last = performance.now()
    traffic.bytes += encodedDataLength
    traffic.requests += 1
    if (types.get(requestId) === 'Script') traffic.scriptBytes += encodedDataLength
  })
  await session.send('Network.enable')
  await session.send('Network.setCacheDisabled', { cacheDisabled: false })
  return traffic
}

async function measureScroll(browser: Browser, url: string, seconds: number): Promise<Scroll> {
  const context = await openSignedIn(browser, url, desktop)
  try {
    const page = await context.newPage()
    const session = await context.newCDPSession(page)
    await page.goto(`${url}/photos`, { waitUntil: 'load' })
    await page.locator('main a:has(img)').first().waitFor()
    const heapBefore = await heap(session)
    const frames = await page.evaluate(scrollDown, seconds)
    await page.evaluate(jumpThrough, 24)
    const heapAfter = await heap(session)
    const elements = await page.evaluate(() => document.querySelectorAll('*').length)
    const sorted = frames.toSorted((a, b) => a - b)
    return {
      framesPerSecond: 1000 / (frames.reduce((sum, frame) => sum + frame, 0) / frames.length),
      slow: sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN,
      longest: sorted.at(-1) ?? Number.NaN,
      heapBefore,
      heapAfter,
      elements,
    }
  } finally {
    await context.close()
  }
}

/** In the page: scrolls on in each frame, answers the lengths of the frames in milliseconds. */
function scrollDown(seconds: number): Promise<number[]> {
  return new Promise((resolve) => {
    const frames: number[] = []
    const began = performance.now()
    let before = began
    const step = (at: number) => {
      if (frames.length > 0 || at > before) frames.push(at - before)
      before = at
      scrollBy(0, 60)
      if (at - began < seconds * 1000) requestAnimationFrame(step)
      else resolve(frames)
    }
    requestAnimationFrame(step)
  })
}

/** In the page: stops at so many places from the top to the bottom, long enough for what is there to load. */
async function jumpThrough(stops: number): Promise<void> {
  for (let stop = 0; stop <= stops; stop += 1) {
    scrollTo(0, (document.documentElement.scrollHeight * stop) / stops)
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

/** Megabytes after a collection. */
async function heap(session: CDPSession): Promise<number> {
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  return usedSize / 1e6
}
