#!/usr/bin/env node
/** The command `heliograph`: runs the command line on the Node that npm brought, in the folder where the user is. */
import { realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findNode, RuntimeMissing, runNode } from './runtime.mjs'

// The real place in the checkout: Node does not strip types from what lies under node_modules, where npm links us.
const server = dirname(dirname(realpathSync(fileURLToPath(import.meta.url))))

try {
  const node = findNode(join(server, '..', '..'))
  process.exitCode = await runNode(node, [join(server, 'src', 'cli', 'main.ts'), ...process.argv.slice(2)])
} catch (error) {
  if (!(error instanceof RuntimeMissing)) throw error
  console.error(error.message)
  process.exitCode = 1
}
