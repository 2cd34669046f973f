/** Runs a command as the command line does, with what it prints kept, for tests. */
import { Readable, Writable } from 'node:stream'
import { type Command, type CommandContext, CommandError, parseCommandLine, UsageError } from './command.ts'

export interface CommandRun {
  code: number
  stdout: string
  stderr: string
}

export interface RunOptions {
  env?: CommandContext['env']
  cwd?: string
  signal?: AbortSignal
  /** What is typed or piped in. */
  input?: string
}

export async function runForTest(command: Command, argv: string[], options: RunOptions = {}): Promise<CommandRun> {
  const stdout = collector()
  const stderr = collector()
  try {
    const code = await command.run({
      ...parseCommandLine(command, argv),
      stdin: Readable.from([Buffer.from(options.input ?? '')]),
      stdout: stdout.stream,
      stderr: stderr.stream,
      env: options.env ?? {},
      cwd: options.cwd ?? process.cwd(),
      signal: options.signal ?? new AbortController().signal,
    })
    return { code, stdout: stdout.text(), stderr: stderr.text() }
  } catch (error) {
    if (!(error instanceof CommandError || error instanceof UsageError)) throw error
    const code = error instanceof CommandError ? error.exitCode : 2
    return { code, stdout: stdout.text(), stderr: `${stderr.text()}${error.message}\n` }
  }
}

function collector() {
  const chunks: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk))
      done()
    },
  })
  return { stream, text: () => chunks.join('') }
}
