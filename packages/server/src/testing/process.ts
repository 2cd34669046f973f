/** The server as a process of its own, as a person starts it, so that a test can kill it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Environment } from '../config/index.ts'

export interface ServerProcess {
  /** `http://127.0.0.1:port`. */
  address: string
  pid: number
  /** How it ended; resolves whenever it does. */
  ended: Promise<ProcessEnd>
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<ProcessEnd>
  /** SIGTERM, and waits until it has drained. */
  stop(): Promise<ProcessEnd>
  /** What it wrote to standard error. */
  complaints(): string
}

export interface ProcessEnd {
  code: number | null
  signal: NodeJS.Signals | null
}

/** It ended before it was ready: the error a test gets that expects a server. */
export class ProcessEnded extends Error {
  readonly end: ProcessEnd
  readonly pid: number

  constructor(end: ProcessEnd, pid: number, complaints: string) {
    super(`The server ended with ${end.signal ?? end.code} before it was ready: ${complaints}`)
    this.name = 'ProcessEnded'
    this.end = end
    this.pid = pid
  }
}

const main = fileURLToPath(new URL('../cli/main.ts', import.meta.url))

/** Starts `heliograph serve` on a free port with nothing in its environment but this; resolves when it is ready. */
export async function startServerProcess(environment: Environment): Promise<ServerProcess> {
  const child = spawn(process.execPath, [main, 'serve'], {
    env: { PATH: process.env.PATH, PORT: '0', OPS_PORT: '0', LOG_LEVEL: 'error', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'exit').then(([code, signal]) => ({ code, signal }) as ProcessEnd)
  const pid = child.pid ?? 0
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-20_000)
  })
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal)
    return ended
  }
  const address = await Promise.race([greeting(child), ended.then(() => null)])
  if (address === null) throw new ProcessEnded(await ended, pid, complaints)
  return {
    address,
    pid,
    ended,
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    complaints: () => complaints,
  }
}

/** The address in the first lines it prints; later ones are read and dropped. Never resolves when it prints none. */
function greeting(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let printed = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      printed = (printed + text).slice(-4_000)
      const address = /runs at (http:\S+)/.exec(printed)?.[1]
      if (address !== undefined) resolve(address)
    })
  })
}
