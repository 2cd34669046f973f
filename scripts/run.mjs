/**
 * What `npm start`, `npm test`, `npm run bench` and the like run: installs what is missing, builds the site where it is shown, then
 * runs the program on Node 24.
 * Plain JavaScript for any Node from 20 on, without dependencies.
 */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findNode, RuntimeMissing, runNode } from '../packages/server/bin/runtime.mjs'
import { InstallFailed, installMissing } from './install.mjs'
import { ensureSite } from './site/ensure.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

const programs = {
  serve: ['packages/server/src/cli/main.ts', 'serve'],
  test: ['scripts/test/suite.mjs'],
  bench: ['bench/run.ts'],
  formats: ['scripts/formats.mjs'],
  demo: ['packages/server/src/cli/main.ts', 'demo'],
  site: ['scripts/site/build.mjs', '--force'],
}

/** What shows the site. The tests that do are known when they have been chosen. */
const showsSite = new Set(['serve', 'demo', 'bench'])

const [command = 'serve', ...args] = process.argv.slice(2)

try {
  const program = programs[command]
  if (program === undefined) throw new RuntimeMissing(`Use one of: ${Object.keys(programs).join(', ')}.`)
  installMissing(root)
  const [script, ...first] = program
  const node = findNode(root)
  if (showsSite.has(command) && !ensureSite(root, node)) console.error('Going on: only the pages are missing or old.')
  process.exitCode = await runNode(node, [join(root, script), ...first, ...args])
} catch (error) {
  if (!(error instanceof InstallFailed || error instanceof RuntimeMissing)) throw error
  console.error(error.message)
  if (command === 'test') console.log('0 passed, 1 failed, 0 skipped')
  process.exitCode = 1
}
