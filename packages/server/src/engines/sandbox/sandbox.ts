/**
 * Runs programs that read what strangers sent. Whatever such a program is made to do, it cannot reach the network, read
 * another file, fill the disk or the memory, or go on for ever; when it dies, its caller gets an error and nothing else
 * is touched.
 */
import { spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'

export interface SandboxLimits {
  /** Bytes of private memory, of the program and its children together. */
  memory: number
  /** Seconds from start to end; null for a program that lives on, whose caller watches over each piece of work. */
  seconds: number | null
  /** Bytes of any one file it writes. */
  fileSize: number
}

export interface IsolatedProgram {
  /** Absolute path of the executable. */
  command: string
  args: string[]
  /** Files and folders it may read, absolute, besides its own code and the libraries of the system. They keep their paths. */
  readable: string[]
  /** One folder it may write to; null for none. */
  writable: string | null
  limits: SandboxLimits
  /** Bulk work gives way to what somebody waits for. */
  priority: 'interactive' | 'bulk'
  /** Ends the program and all its children. */
  signal?: AbortSignal
}

/** How a program ended. `memory` and `time` are its limits; `crashed` is a signal or exit that it did not choose. */
export type Ending =
  | { how: 'exit'; code: number }
  | { how: 'memory' | 'time' | 'file-size' | 'aborted' }
  | { how: 'crashed'; signal: string }

export interface IsolatedProcess {
  stdin: Writable
  stdout: Readable
  stderr: Readable
  /** Never rejects. All its children are gone too. */
  ended: Promise<Ending>
  kill(): void
}

/** What this machine can hold a program to; less than `full` is said by `heliograph doctor`. */
export interface SandboxStrength {
  level: 'full' | 'limits-only'
  /** What is missing and what would bring it, as a sentence; null when nothing is. */
  missing: string | null
}

export interface Sandbox {
  readonly strength: SandboxStrength
  start(program: IsolatedProgram): IsolatedProcess
}

/** First form: runs the program as it is. The walls are built next. */
export function createSandbox(): Sandbox {
  return {
    strength: { level: 'limits-only', missing: 'Nothing is isolated yet.' },
    start({ command, args, signal }) {
      const child = spawn(command, args, { stdio: 'pipe', ...(signal === undefined ? {} : { signal }) })
      const ended = new Promise<Ending>((resolve) => {
        child.once('error', () => resolve({ how: 'aborted' }))
        child.once('close', (code, killedBy) =>
          resolve(code === null ? { how: 'crashed', signal: killedBy ?? 'unknown' } : { how: 'exit', code }),
        )
      })
      return {
        stdin: child.stdin,
        stdout: child.stdout,
        stderr: child.stderr,
        ended,
        kill: () => void child.kill('SIGKILL'),
      }
    },
  }
}
