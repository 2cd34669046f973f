/** The command line: finds the command, gives it what it may touch, and turns its end into an exit code. */
import { InvalidSetting } from '../config/index.ts'
import { EmbeddedPostgresError } from '../engines/database/embedded/embedded-postgres.ts'
import { type Command, CommandError, describeCommand, parseCommandLine, UsageError } from './command.ts'
import { commands } from './commands.ts'

async function main(argv: string[]): Promise<number> {
  const [name = 'help', ...rest] = argv
  if (name === 'help' || name === '--help' || name === '-h') return help(rest[0])
  const command = commands.find((one) => one.name === name)
  if (command === undefined) {
    process.stderr.write(`There is no command "${name}".\n\n`)
    help(undefined, process.stderr)
    return 2
  }
  if (rest.includes('--help') || rest.includes('-h')) return help(name)
  return runCommand(command, rest)
}

async function runCommand(command: Command, argv: string[]): Promise<number> {
  const stop = new AbortController()
  const onSignal = () => {
    // The second Ctrl-C means now.
    if (stop.signal.aborted) process.exit(130)
    stop.abort()
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  try {
    return await command.run({
      ...parseCommandLine(command, argv),
      stdin: process.stdin,
      stdout: process.stdout,
      stderr: process.stderr,
      env: process.env,
      cwd: process.cwd(),
      signal: stop.signal,
    })
  } catch (error) {
    return sayError(command, error)
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  }
}

/** What a person can mend is said in a sentence; a defect is shown whole. */
function sayError(command: Command, error: unknown): number {
  if (error instanceof UsageError) {
    process.stderr.write(`${error.message}\n\n${describeCommand(command)}`)
    return 2
  }
  if (error instanceof CommandError) {
    if (error.message !== '') process.stderr.write(`${error.message}\n`)
    return error.exitCode
  }
  if (error instanceof InvalidSetting || error instanceof EmbeddedPostgresError) {
    process.stderr.write(`${error.message}\n`)
    return 1
  }
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  if (error instanceof Error && error.cause !== undefined) process.stderr.write(`Cause: ${String(error.cause)}\n`)
  return 1
}

function help(name: string | undefined, out: NodeJS.WritableStream = process.stdout): number {
  const command = commands.find((one) => one.name === name)
  if (command !== undefined) {
    out.write(describeCommand(command))
    return 0
  }
  const width = Math.max(...commands.map((one) => one.name.length)) + 2
  const list = commands.map((one) => `  ${one.name.padEnd(width)}${one.summary}`).join('\n')
  out.write(`heliograph <command> [options]\n\n${list}\n\nheliograph help <command> tells more.\n`)
  return 0
}

// `heliograph list | head` closes the pipe when it has enough; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

process.exitCode = await main(process.argv.slice(2))
