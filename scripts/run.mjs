/**
 * What `npm start`, `npm test`, `npm run bench` and `npm run formats` run: installs what is missing, then runs the program on Node 24.
 * Plain JavaScript for any Node from 20 on, without dependencies.
 */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findNode, RuntimeMissing, runNode } from '../packages/server/bin/runtime.mjs'
import { InstallFailed, installMissing } from './install.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

const programs = {
  serve: ['packages/server/src/cli/main.ts', 'serve'],
  test: ['scripts/test/suite.mjs'],
  bench: ['bench/run.ts'],
  formats: ['scripts/formats.mjs'],
}

const [command = 'serve', ...args] = process.argv.slice(2)

try {
  const program = programs[command]
  if (program === undefined) throw new RuntimeMissing(`Use one of: ${Object.keys(programs).join(', ')}.`)
  installMissing(root)
  const [script, ...first] = program
  process.exitCode = await runNode(findNode(root), [join(root, script), ...first, ...args])
} catch (error) {
  if (!(error instanceof InstallFailed || error instanceof RuntimeMissing)) throw error
  console.error(error.message)
  if (command === 'test') console.log('0 passed, 1 failed, 0 skipped')
  process.exitCode = 1
}
