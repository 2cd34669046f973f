/**
 * Finds the Node that runs Heliograph and runs a program on it. This file and its callers are plain JavaScript for any
 * Node from 20 on, without dependencies: they are what a person's own Node starts, before anything is installed.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'

/** The first version in which all that we use is stable. */
const oldest = [24, 7]

/** A condition that a person must change; the message is the sentence to show. */
export class RuntimeMissing extends Error {}

/**
 * The path of a Node that can run us: the one npm brought for this platform, else the one that runs this.
 * Throws `RuntimeMissing` when neither will do.
 * @param {string} root the folder that holds node_modules
 */
export function findNode(root) {
  const { optionalDependencies = {} } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const program = process.platform === 'win32' ? 'node.exe' : 'node'
  for (const name of Object.keys(optionalDependencies).filter((name) => name.startsWith('node-'))) {
    const path = join(root, 'node_modules', name, 'bin', program)
    // It is run once to see that it can: npm also installs a glibc Node on a system with another C library.
    if (existsSync(path) && isRecent(spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout ?? '')) return path
  }
  if (isRecent(process.version)) return process.execPath
  throw new RuntimeMissing(
    `Heliograph needs Node ${oldest.join('.')} or later. This is Node ${process.version.slice(1)}, and npm has brought none that runs on ${process.platform}-${process.arch}. Run npm ci in ${root}, or install Node 24 from https://nodejs.org.`,
  )
}

function isRecent(version) {
  const [, major, minor] = /^v(\d+)\.(\d+)\./.exec(version) ?? []
  return Number(major) > oldest[0] || (Number(major) === oldest[0] && Number(minor) >= oldest[1])
}

/**
 * Runs a script and answers its exit code, 128 and the signal's number when one ended it. Signals are passed on.
 *
 * Ctrl-C reaches every process of the terminal's foreground group, and npm repeats it. The program therefore gets a
 * session of its own, hears signals only from here, and each once: a first one may mean "finish", a second "now".
 * @param {string} node
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<number>}
 */
export function runNode(node, args, env = process.env) {
  const isWindows = process.platform === 'win32'
  const child = spawn(node, args, { stdio: 'inherit', env, detached: !isWindows })
  const lastSent = new Map()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGWINCH']) {
    process.on(signal, () => {
      // On Windows the console has told the child, and to send a signal would be to end it at once.
      if (isWindows || Date.now() - (lastSent.get(signal) ?? 0) < 500) return
      lastSent.set(signal, Date.now())
      child.kill(signal)
    })
  }
  // npm passes a SIGTERM to the shell that it started us by, which dies of it without a word to us.
  const shell = process.ppid
  const watchShell = () => {
    if (process.ppid === shell) return
    clearInterval(watch)
    const isTold = ['SIGINT', 'SIGTERM', 'SIGHUP'].some((signal) => lastSent.has(signal))
    if (!isTold) child.kill('SIGTERM')
  }
  const watch = process.env.npm_lifecycle_event === undefined ? undefined : setInterval(watchShell, 250)
  if (!isWindows) {
    // Ctrl-Z and fg.
    process.on('SIGTSTP', () => {
      child.kill('SIGSTOP')
      process.kill(process.pid, 'SIGSTOP')
    })
    process.on('SIGCONT', () => child.kill('SIGCONT'))
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      clearInterval(watch)
      resolve(code ?? 128 + constants.signals[signal])
    })
  })
}
