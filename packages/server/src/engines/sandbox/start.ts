/** Starts a program under a confinement, and tells how it ended. */
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { constants as system } from 'node:os'
import { isAbsolute } from 'node:path'
import { PassThrough, type Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { Confinement } from './confinement.ts'
import { childrenOf, processTree } from './process-tree.ts'
import type { Ending, IsolatedProcess, IsolatedProgram } from './sandbox.ts'
import { type Excess, processLimit, sizes, watchOver } from './watch.ts'

/** All that a program learns of its surroundings; nothing of the server's own environment. */
const environment = {
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
  TZ: 'UTC',
}

type Cause = Excess | 'aborted'

export function startProgram(program: IsolatedProgram, confinement: Confinement): IsolatedProcess {
  if (program.signal?.aborted === true) return withoutProcess({ how: 'aborted' })
  let child: ChildProcess
  try {
    child = spawnConfined(program, confinement)
  } catch (error) {
    return withoutProcess(notStarted(error))
  }
  // Out of descriptors or processes, Node gives a child without an id, and perhaps without streams.
  if (child.pid === undefined) {
    return withoutProcess(new Promise((resolve) => child.once('error', (error) => resolve(notStarted(error)))))
  }
  const [stdin, stdout, stderr, report] = child.stdio as unknown as [Writable, Readable, Readable, Readable]
  // A program that stops reading says so by how it ended; whoever pipes into it hears the error besides.
  for (const stream of [stdin, stdout, stderr]) stream.on('error', ignore)
  return { stdin, stdout, stderr, ...superviseUntilEnd(child, child.pid, report, program, confinement) }
}

function spawnConfined(program: IsolatedProgram, confinement: Confinement): ChildProcess {
  if (!isAbsolute(program.command)) throw new Error(`${program.command} is not an absolute path.`)
  accessSync(program.command, constants.X_OK)
  const { command, args, folder } = confinement.wrap(program)
  return spawn(command, args, {
    cwd: folder,
    env: { ...environment, ...(program.writable === null ? {} : { TMPDIR: program.writable }) },
    // A session of its own: the terminal's Ctrl-C is for the server, which lets its programs finish.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  })
}

function superviseUntilEnd(
  child: ChildProcess,
  pid: number,
  report: Readable,
  program: IsolatedProgram,
  { hasWalls }: Confinement,
): Pick<IsolatedProcess, 'ended' | 'kill'> {
  const { limits, writable, signal } = program
  let cause: Cause | null = null

  const end = (why: Cause) => {
    if (cause !== null || child.exitCode !== null || child.signalCode !== null) return
    cause = why
    // Whatever is still being set up finds nobody listening, and gives up.
    report.destroy()
    if (hasWalls) killInside(pid)
    else killTree(pid)
  }
  const kill = () => end('aborted')
  const stopWatching = watchOver(pid, limits, writable, end)
  signal?.addEventListener('abort', kill, { once: true })

  const exit = new Promise<{ code: number | null; killedBy: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (code, killedBy) => resolve({ code, killedBy }))
  })
  const ended = (async (): Promise<Ending> => {
    // A report that was cut off belongs to an ending whose cause is known.
    const [{ code, killedBy }, said] = await Promise.all([exit, text(report).catch(() => '')])
    stopWatching()
    signal?.removeEventListener('abort', kill)
    if (!hasWalls) killGroup(pid)
    if (cause !== null) return cause === 'processes' ? { how: 'crashed', signal: 'SIGKILL' } : { how: cause }
    if (!said.endsWith('ready\n')) return { how: 'not-started', message: said.trim() || 'it ended before it began' }
    return endingOf(code, killedBy, limits.fileSize, writable)
  })()
  return { ended, kill }
}

/** Shells report a signal as 128 and its number. */
async function endingOf(
  code: number | null,
  killedBy: NodeJS.Signals | null,
  fileSize: number,
  writable: string | null,
): Promise<Ending> {
  if (code === 0) return { how: 'exit', code }
  const signal = killedBy ?? Object.entries(system.signals).find(([, number]) => number + 128 === code)?.[0]
  if (signal === 'SIGXFSZ') return { how: 'file-size' }
  // Nobody else sends it: the kernel needed the memory.
  if (signal === 'SIGKILL') return { how: 'memory' }
  // Programs that ignore SIGXFSZ, as Node does, get an error instead and end in their own way.
  if (writable !== null && (await sizes(writable)).longest >= fileSize) return { how: 'file-size' }
  if (signal !== undefined || code === null) return { how: 'crashed', signal: signal ?? 'unknown' }
  return { how: 'exit', code }
}

/**
 * Ends the first process inside, and not `unshare` outside: the kernel lets `unshare` see that end only when everything
 * else in the namespace is gone (pid_namespaces(7)), and so when `ended` resolves nothing is left.
 */
function killInside(pid: number): void {
  const [first] = childrenOf(pid)
  send(first ?? pid)
}

/** Without a namespace there is no such moment; what left both the group and the tree is out of reach. */
function killTree(pid: number): void {
  const tree = processTree(pid, processLimit)
  killGroup(pid)
  for (const id of tree) send(id)
}

function killGroup(leader: number): void {
  send(-leader)
}

function send(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    // It has ended already; macOS says EPERM of a group that has.
    if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

function notStarted(error: unknown): Ending {
  return { how: 'not-started', message: error instanceof Error ? error.message : String(error) }
}

function withoutProcess(ending: Ending | Promise<Ending>): IsolatedProcess {
  return {
    stdin: new Writable({ write: (_chunk, _encoding, done) => done() }),
    stdout: new PassThrough().end(),
    stderr: new PassThrough().end(),
    ended: Promise.resolve(ending),
    kill: ignore,
  }
}

function ignore(): void {
  // Nothing is left to do.
}
