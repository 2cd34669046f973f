/** Runs programs without walls, so that a test knows their process ids and can make them fail. */
import { spawn } from 'node:child_process'
import type { Ending, IsolatedProgram, Sandbox } from '../../../engines/sandbox/sandbox.ts'

export interface UnconfinedSandbox extends Sandbox {
  started: { pid: number; priority: IsolatedProgram['priority']; ended: Promise<Ending> }[]
}

/** `replace` may start another program than it was asked for. */
export function createUnconfinedSandbox(replace = (program: IsolatedProgram) => program): UnconfinedSandbox {
  const started: UnconfinedSandbox['started'] = []
  return {
    started,
    strength: { level: 'limits-only', missing: 'a test' },
    start(program) {
      const { command, args } = replace(program)
      const child = spawn(command, args, { stdio: 'pipe' })
      let killed = false
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on('error', () => undefined)
      const ended = new Promise<Ending>((resolve) => {
        child.once('exit', (code, signal) => {
          if (killed) resolve({ how: 'aborted' })
          else resolve(code === null ? { how: 'crashed', signal: signal ?? '' } : { how: 'exit', code })
        })
      })
      started.push({ pid: child.pid ?? 0, priority: program.priority, ended })
      return {
        stdin: child.stdin,
        stdout: child.stdout,
        stderr: child.stderr,
        ended,
        kill() {
          killed = true
          child.kill('SIGKILL')
        },
      }
    },
  }
}
