/**
 * Builds the site of packages/web with Vite and puts a compressed form beside each of its files, which the server then only
 * has to send. Runs on Node 24, without a network. Of two at once the second waits, and finds the work done.
 */
import { spawnSync } from 'node:child_process'
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { compressFolder } from './compress.mjs'
import { inlineFirstPaint } from './first-paint.mjs'
import { describePages } from './pages.mjs'
import { buildFolder, hashSources, isSiteFresh, markName } from './sources.mjs'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const web = join(root, 'packages', 'web')
const lock = join(root, 'node_modules', '.heliograph-site-build')

/** Lines of Vite's output that are shown when it fails. */
const linesShown = 25

await takeLock()
try {
  if (!isSiteFresh(root) || process.argv.includes('--force')) process.exitCode = await build()
} finally {
  rmSync(lock, { force: true })
}

async function build() {
  console.error('Building the site; this takes some seconds …')
  const start = Date.now()
  const sources = hashSources(root)
  const vite = join(dirname(createRequire(join(web, 'package.json')).resolve('vite/package.json')), 'bin', 'vite.js')
  const result = spawnSync(process.execPath, [vite, 'build', '--logLevel', 'warn'], {
    cwd: web,
    encoding: 'utf8',
    // The same sources make the same files, so that browsers keep what they have.
    env: { ...process.env, NODE_ENV: 'production', NO_COLOR: '1', HELIOGRAPH_SITE_VERSION: sources.slice(0, 16) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (result.status !== 0) {
    console.error(`${describe(result)}\nThe site could not be built: see above.`)
    return 1
  }
  await describePages(join(web, '.svelte-kit', 'output', 'server'), buildFolder(root))
  await inlineFirstPaint(web, buildFolder(root))
  await compressFolder(buildFolder(root))
  writeFileSync(join(buildFolder(root), markName), sources)
  console.error(`Built in ${Math.round((Date.now() - start) / 1000)} s.`)
  return 0
}

/** What Vite said, without the inside of the programs that said it. */
function describe({ stdout, stderr, error }) {
  const lines = `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`.trim().split('\n')
  return lines
    .filter((line) => !/^\s+at .*:\d+:\d+\)?$/.test(line))
    .slice(-linesShown)
    .join('\n')
}

/** One process builds at a time. The lock of one that is gone is taken over. */
async function takeLock() {
  const mine = `${lock}.${process.pid}`
  writeFileSync(mine, String(process.pid))
  try {
    while (!tryLink(mine)) {
      if (!isHeld()) rmSync(lock, { force: true })
      await setTimeout(200)
    }
  } finally {
    rmSync(mine)
  }
}

/** A link appears whole, with the number of its maker in it. */
function tryLink(mine) {
  try {
    linkSync(mine, lock)
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    return false
  }
}

function isHeld() {
  try {
    process.kill(Number(readFileSync(lock, 'utf8')), 0)
    return true
  } catch (error) {
    // Of another user.
    return error.code === 'EPERM'
  }
}
