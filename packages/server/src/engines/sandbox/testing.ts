/** What tests of the sandbox share: start something small, and look for what it has left. */
import { readdirSync, readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import type { Ending, IsolatedProgram, Sandbox } from './sandbox.ts'

export interface Outcome {
  output: string
  complaints: string
  ending: Ending
}

/** Generous limits for what is not about limits. */
export const roomy = { memory: 2 ** 28, seconds: 30, fileSize: 2 ** 20 }

export type Given = Partial<Omit<IsolatedProgram, 'command' | 'args'>>

export function shell(sandbox: Sandbox, script: string, given: Given = {}): Promise<Outcome> {
  return outcome(sandbox, { command: '/bin/sh', args: ['-c', script], given })
}

/** Runs an ECMAScript module given as text. */
export function script(sandbox: Sandbox, source: string, given: Given = {}): Promise<Outcome> {
  return outcome(sandbox, { command: process.execPath, args: ['--input-type=module', '-e', source], given })
}

export function program(command: string, args: string[], given: Given = {}): IsolatedProgram {
  return { command, args, readable: [], writable: null, limits: roomy, priority: 'interactive', ...given }
}

async function outcome(
  sandbox: Sandbox,
  { command, args, given }: { command: string; args: string[]; given: Given },
): Promise<Outcome> {
  const running = sandbox.start(program(command, args, given))
  running.stdin.end()
  const [output, complaints, ending] = await Promise.all([text(running.stdout), text(running.stderr), running.ended])
  return { output, complaints, ending }
}

/** Ids of the processes of this machine that have the words in their command line, zombies not counted. */
export function processesNamed(words: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((id) => {
      try {
        return readFileSync(`/proc/${id}/cmdline`, 'utf8').replaceAll('\0', ' ').includes(words)
      } catch {
        // It has ended meanwhile.
        return false
      }
    })
    .map(Number)
}
