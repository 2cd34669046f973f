/**
 * Reads the lock that Postgres keeps in its folder (`postmaster.pid`) and judges whether the process it names is still
 * that server. Postgres itself only asks whether the process id is in use, and then refuses to start for ever in two
 * cases that happen: the id was given to another program after a crash of the machine or container, or the server is a
 * zombie because nothing reaps children here.
 */
import { execFile } from 'node:child_process'
import { readFile, stat, unlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'

export interface PostmasterLock {
  pid: number
  port: number
  /** Empty where the server listens on TCP only. */
  socketDir: string
  status: 'starting' | 'ready' | 'stopping' | 'unknown'
  /** The whole file, to see whether it is still the same one. */
  text: string
}

/** Undefined when there is no lock. */
export async function readLock(dataDir: string): Promise<PostmasterLock | undefined> {
  const text = await readIfThere(join(dataDir, 'postmaster.pid'))
  if (text === undefined) return undefined
  // Lines: pid, folder, start time, port, socket folder, listen address, shared memory, status (pidfile.h).
  const lines = text.split('\n').map((line) => line.trim())
  const status = lines[7]
  return {
    pid: Number(lines[0]),
    port: Number(lines[3]),
    socketDir: lines[4] ?? '',
    status: status === 'ready' || status === 'starting' || status === 'stopping' ? status : 'unknown',
    text,
  }
}

/** True when the process that the lock names lives and is a Postgres on this folder. */
export async function isServing(lock: PostmasterLock, dataDir: string): Promise<boolean> {
  if (!Number.isInteger(lock.pid) || lock.pid <= 0) return false
  const found = await inspect(lock.pid)
  if (found === undefined || /^[ZX]/.test(found.state)) return false
  if (found.args === undefined) return true
  const program = basename(found.args[0] ?? '').replace(/\.exe$/, '')
  return program === 'postgres' && (found.args.includes(dataDir) || (await worksIn(lock.pid, dataDir)))
}

/**
 * Removes a lock whose server is gone. To be called under the start lock only. Processes of that server that still hold
 * its shared memory keep a new one from starting all the same: Postgres finds the memory by the folder's inode.
 */
export async function removeStaleLock(dataDir: string, stale: PostmasterLock): Promise<void> {
  const path = join(dataDir, 'postmaster.pid')
  if ((await readIfThere(path)) === stale.text) await unlink(path)
}

interface Process {
  /** As in `ps`: R, S, D, Z (zombie), X (dead), T. */
  state: string
  /** Undefined where the system does not tell. */
  args?: string[]
}

async function inspect(pid: number): Promise<Process | undefined> {
  if (process.platform === 'linux') {
    const line = await readIfThere(`/proc/${pid}/stat`)
    const args = await readIfThere(`/proc/${pid}/cmdline`)
    if (line === undefined || args === undefined) return undefined
    // The name in parentheses may hold anything; the state follows the last one (proc(5)).
    return { state: line.slice(line.lastIndexOf(')') + 2), args: args.split('\0') }
  }
  if (process.platform === 'win32') return isAlive(pid) ? { state: 'R' } : undefined
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'stat=,command=', '-p', String(pid)])
    const [state = '', ...args] = stdout.trim().split(/\s+/)
    // Folders with spaces are cut here; the working folder is not to be had, so any Postgres counts as ours.
    return { state, args: basename(args[0] ?? '') === 'postgres' ? ['postgres'] : args }
  } catch {
    // ps ends with 1 when there is no such process.
    return undefined
  }
}

async function worksIn(pid: number, dataDir: string): Promise<boolean> {
  if (process.platform !== 'linux') return true
  try {
    // A server works in its folder, which also finds it when the folder was renamed under it.
    const [its, ours] = await Promise.all([stat(`/proc/${pid}/cwd`), stat(dataDir)])
    return its.dev === ours.dev && its.ino === ours.ino
  } catch {
    // Another user's process, or one that just ended.
    return false
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // ESRCH: the process ended between open and read.
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw error
  }
}
