/**
 * The test suite: `suite.mjs [--only s3|crash|<glob>]`. Finds the tests, provides the servers they use, runs them,
 * stops the servers whatever happened, and prints `N passed, N failed, N skipped` as its last line. Ends with 1 when a
 * test failed or none passed, and in continuous integration (CI=true) also when one was skipped. Runs on Node 24.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, glob, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startEmbeddedPostgres } from '../../packages/server/src/engines/database/embedded/embedded-postgres.ts'
import { ensureSite } from '../site/ensure.mjs'
import { pathOf, programs, provide } from './system-packages.mjs'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const minute = 60_000

const suites = {
  all: { files: ['packages/*/src/**/*.test.ts', 'deploy/**/*.test.ts', 'scripts/**/*.test.mjs'], timeout: 2 * minute },
  // Repeats for hours; its short form is part of the suite above.
  crash: { files: ['packages/*/src/**/*.crash.ts'], timeout: 600 * minute },
}

/** How a test file shows that it uses the S3 server, a browser, nginx, or the built site. */
const usesS3 = /HELIOGRAPH_TEST_S3_URL|testing\/s3|testing\/radosgw/
const usesNginx = /HELIOGRAPH_TEST_NGINX/
const usesSite = /packages\/web|siteFolder/
const usesBrowser = /HELIOGRAPH_TEST_CHROMIUM|playwright-core|testing\/browser/

/** Undone in reverse order. */
const cleanups = []
const interruption = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => interruption.abort())

let counts = { passed: 0, failed: 1, skipped: 0 }
try {
  counts = await main()
} catch (error) {
  console.error(error)
} finally {
  for (const cleanup of cleanups.reverse()) {
    await cleanup().catch((error) => {
      console.error(error)
      counts.failed += 1
    })
  }
}
const isSkipFailure = process.env.CI === 'true' && counts.skipped > 0
if (isSkipFailure) console.error('A skipped test is a failure in continuous integration.')
process.exitCode = counts.failed > 0 || counts.passed === 0 || isSkipFailure ? 1 : 0
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)

async function main() {
  const { values } = parseArgs({ options: { only: { type: 'string', default: 'all' } } })
  const { files, timeout } = await chooseFiles(values.only)
  if (files.length === 0) throw new Error(`No test files for "${values.only}".`)
  const showsSite = files.some((file) => file.startsWith('packages/web/')) || (await anyMentions(files, usesSite))
  if (showsSite && !ensureSite(root, process.execPath)) console.error('The tests that look at the site will fail.')
  const folder = await mkdtemp(join(tmpdir(), 'heliograph-tests-'))
  cleanups.push(() => rm(folder, { recursive: true, force: true }))
  // The database may have to run as another user than root.
  await chmod(folder, 0o755)
  const environment = await startServers(files, folder)
  return runTests(files, { timeout, environment, report: join(folder, 'counts.json') })
}

async function chooseFiles(only) {
  if (only === 'crash') return { ...suites.crash, files: await find(suites.crash.files) }
  if (only !== 'all' && only !== 's3') return { ...suites.all, files: await find([only]) }
  const files = await find(suites.all.files)
  if (only === 'all') return { ...suites.all, files }
  const using = await Promise.all(files.map(async (file) => /s3/.test(file) || (await mentions(file, usesS3))))
  return { ...suites.all, files: files.filter((_, index) => using[index]) }
}

async function find(patterns) {
  const found = await Array.fromAsync(glob(patterns, { cwd: root, exclude: (path) => path.includes('node_modules') }))
  return found.sort()
}

async function mentions(file, pattern) {
  return pattern.test(await readFile(resolve(root, file), 'utf8'))
}

async function anyMentions(files, pattern) {
  const found = await Promise.all(files.map((file) => mentions(file, pattern)))
  return found.includes(true)
}

/** Starts what the tests use; answers the environment in which they find it. */
async function startServers(files, folder) {
  const needsS3 = await anyMentions(files, usesS3)
  const needsBrowser = await anyMentions(files, usesBrowser)
  const needsNginx = await anyMentions(files, usesNginx)
  const wanted = [
    ...(needsS3 ? [programs.s3] : []),
    ...(needsBrowser ? [programs.browser] : []),
    ...(needsNginx ? [programs.nginx] : []),
  ]
  provide(wanted, join(folder, 'apt-get.log'))

  const environment = {}
  const postgres = await startEmbeddedPostgres({
    dataDir: join(folder, 'postgres'),
    log: { info: () => undefined, error: (fields, message) => console.error(message, fields) },
    // The data need not survive the machine. A Postgres that is killed still loses nothing.
    settings: { fsync: 'off', full_page_writes: 'off', max_wal_size: '4GB' },
  })
  cleanups.push(() => postgres.stop())
  environment.HELIOGRAPH_TEST_POSTGRES = postgres.url
  if (needsS3 && pathOf(programs.s3) !== undefined) {
    const { startRadosgw } = await import('../radosgw.mjs')
    const s3 = await startRadosgw({ dir: join(folder, 's3') })
    cleanups.push(() => s3.stop())
    environment.HELIOGRAPH_TEST_S3_URL = s3.url
  }
  const chromium = needsBrowser ? pathOf(programs.browser) : undefined
  if (chromium !== undefined) environment.HELIOGRAPH_TEST_CHROMIUM = chromium
  const nginx = needsNginx ? pathOf(programs.nginx) : undefined
  if (nginx !== undefined) environment.HELIOGRAPH_TEST_NGINX = nginx
  return environment
}

async function runTests(files, { timeout, environment, report }) {
  if (interruption.signal.aborted) throw new Error('Interrupted.')
  const options = [
    '--test',
    '--test-concurrency=2',
    `--test-timeout=${timeout}`,
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${join(root, 'scripts', 'test', 'count.mjs')}`,
    `--test-reporter-destination=${report}`,
  ]
  const tests = spawn(process.execPath, [...options, ...files], {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
    // A group of its own, so that it can be ended with all that it started.
    detached: process.platform !== 'win32',
  })
  tests.stdout.pipe(process.stdout, { end: false })
  // The time limit is per test: a file whose tests are done but which left a server or timer open would wait for ever.
  const watchdog = setTimeout(() => {
    console.error('No test has ended for a long time: a file keeps something open. It is named below.')
    interruption.abort()
  }, timeout + minute)
  tests.stdout.on('data', () => watchdog.refresh())
  // Asked to end, it names what was running. Its children get the same signal, then no more choice.
  const stop = () => {
    tests.kill('SIGINT')
    setTimeout(() => end(tests, 'SIGKILL'), 5_000).unref()
  }
  interruption.signal.addEventListener('abort', stop, { once: true })
  await once(tests, 'close')
  clearTimeout(watchdog)
  interruption.signal.removeEventListener('abort', stop)
  if (interruption.signal.aborted) end(tests, 'SIGKILL')
  const counted = JSON.parse((await readFile(report, 'utf8')) || '{"passed":0,"failed":0,"skipped":0}')
  // A run that was broken off, or that broke, is a failure whatever was counted.
  if (counted.failed === 0 && tests.exitCode !== 0) counted.failed = 1
  return counted
}

/** Ends the group of a process; that it is gone already is fine. */
function end(child, signal) {
  try {
    process.kill(process.platform === 'win32' ? child.pid : -child.pid, signal)
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}
