/** Brings node_modules in line with package-lock.json, when it is not. Plain JavaScript for any Node from 20 on. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** npm could not install; the message is the sentence to show. */
export class InstallFailed extends Error {}

/** @param {string} root */
export function installMissing(root) {
  if (isInstalled(root)) return
  const start = Date.now()
  console.error('Installing what is missing with npm ci; this takes a minute or so …')
  const npm = process.env.npm_execpath
  // No install script is needed, so none is run.
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const options = { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }
  const result =
    npm !== undefined && /\.[cm]?js$/.test(npm)
      ? spawnSync(process.execPath, [npm, ...args], options)
      : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' })
  if (result.status !== 0) {
    const output = `${result.stdout ?? ''}${result.stderr ?? ''}`.trim().split('\n').slice(0, 15).join('\n')
    throw new InstallFailed(
      `${output}\n\nnpm ci failed${result.error ? ` (${result.error.message})` : ''}: see its messages above. Check the network and the disk, then run the same command again.`,
    )
  }
  console.error(`Installed in ${Math.round((Date.now() - start) / 1000)} s.`)
}

/**
 * Compares with the list that npm leaves in node_modules when an installation is complete, so that a developer's own
 * `npm install` counts as well. Optional packages may be absent: most are for other platforms.
 */
function isInstalled(root) {
  const wanted = readPackages(join(root, 'package-lock.json'))
  const present = readPackages(join(root, 'node_modules', '.package-lock.json'))
  if (wanted === undefined) throw new InstallFailed(`There is no package-lock.json in ${root}.`)
  if (present === undefined) return false
  return Object.entries(wanted).every(([path, { version, link, optional }]) => {
    if (!path.includes('node_modules/') || link) return true
    const found = present[path]
    return found === undefined ? optional === true : found.version === version
  })
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}
