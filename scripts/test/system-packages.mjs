/** Programs that suites need and npm does not carry: installed on Debian and Ubuntu as root, else named. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, openSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** @typedef {{ suite: string, command: string, packages: string[] }} Program */

/** @type {Record<'s3' | 'browser' | 'nginx', Program>} */
export const programs = {
  s3: { suite: 'S3', command: 'radosgw', packages: ['ceph-mon', 'ceph-osd', 'radosgw', 'ceph-common'] },
  nginx: { suite: 'nginx', command: 'nginx', packages: ['nginx-light', 'openssl'] },
  browser: { suite: 'browser', command: 'chromium', packages: ['chromium'] },
}

/**
 * Installs what is missing where it may, and says what is skipped where it may not.
 * @param {Program[]} wanted
 * @param {string} log file for the output of apt-get
 */
export function provide(wanted, log) {
  const missing = wanted.filter((program) => pathOf(program) === undefined)
  if (missing.length === 0) return
  if (existsSync('/usr/bin/apt-get') && process.getuid?.() === 0) {
    aptGet(['update'], log)
    // One at a time, so that a package which is not to be had costs only its own suite.
    for (const { packages } of missing) {
      console.error(`Installing ${packages.join(', ')} with apt-get …`)
      const isInstalled = aptGet(['install', '-y', '--no-install-recommends', ...packages], log)
      if (!isInstalled) console.error(readFileSync(log, 'utf8').trim().split('\n').slice(-20).join('\n'))
    }
  }
  for (const { suite, command, packages } of wanted.filter((program) => pathOf(program) === undefined)) {
    console.error(
      `Skipping the ${suite} tests: ${command} is missing. On Debian: sudo apt-get install -y --no-install-recommends ${packages.join(' ')}`,
    )
  }
}

function aptGet(args, log) {
  const output = openSync(log, 'a')
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  return spawnSync('apt-get', ['-q', ...args], { stdio: ['ignore', output, output], env }).status === 0
}

/**
 * Undefined when the program is not installed.
 * @param {Program} program
 */
export function pathOf({ command }) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/sbin']
  return folders.map((folder) => join(folder, command)).find(isExecutable)
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    // Absent or not ours to run, which is the answer.
    return false
  }
}
