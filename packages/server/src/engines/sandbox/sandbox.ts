/**
 * Runs programs that read what strangers sent. Whatever such a program is made to do, it cannot reach the network, read
 * another file, fill the disk or the memory, or go on for ever; when it dies, its caller gets an error and nothing else
 * is touched.
 */
import type { Readable, Writable } from 'node:stream'
import { chooseConfinement } from './confinement.ts'
import { startProgram } from './start.ts'

export interface SandboxLimits {
  /** Bytes of private memory, of the program and its children together. */
  memory: number
  /** Seconds from start to end; null for a program that lives on, whose caller watches over each piece of work. */
  seconds: number | null
  /** Bytes of any one file it writes. */
  fileSize: number
  /** Bytes of everything in the writable folder, looked at every second; absent for no bound. */
  folderSize?: number
}

export interface IsolatedProgram {
  /** Absolute path of the executable. */
  command: string
  args: string[]
  /**
   * Files and folders it may read, absolute, besides its own code and the libraries of the system. They keep their paths.
   * No folder may hold a socket that a server listens on: reading is enough to call it.
   */
  readable: string[]
  /** One folder it may write to; null for none. */
  writable: string | null
  limits: SandboxLimits
  /** Bulk work gives way to what somebody waits for. */
  priority: 'interactive' | 'bulk'
  /** Ends the program and all its children. */
  signal?: AbortSignal
}

/**
 * How a program ended. `memory`, `time` and `file-size` (of a file, or of its folder) are its limits; `aborted` is
 * `kill()` or the signal; `crashed` is a signal that it did not choose; `not-started` is a program that is not there, or
 * a machine that did not let it start, in a sentence.
 */
export type Ending =
  | { how: 'exit'; code: number }
  | { how: 'memory' | 'time' | 'file-size' | 'aborted' }
  | { how: 'crashed'; signal: string }
  | { how: 'not-started'; message: string }

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

/** Finds out, by trying it, what this machine can hold programs to. */
export async function createSandbox(): Promise<Sandbox> {
  const { confinement, strength } = await chooseConfinement()
  return { strength, start: (program) => startProgram(program, confinement) }
}
