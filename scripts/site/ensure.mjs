/** Builds the site when it is missing or older than its sources. Plain JavaScript for any Node from 20 on. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { isSiteFresh } from './sources.mjs'

/**
 * Says in one line what it does, and in a sentence why it could not. Whoever needs the site decides whether to go on without.
 * @param {string} root
 * @param {string} node a Node 24
 * @returns {boolean} whether the site is as its sources say
 */
export function ensureSite(root, node) {
  if (isSiteFresh(root)) return true
  const result = spawnSync(node, [join(root, 'scripts', 'site', 'build.mjs')], { cwd: root, stdio: 'inherit' })
  return result.status === 0
}
