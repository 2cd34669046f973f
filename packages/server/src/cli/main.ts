/** The command line: finds the command, gives it what it may touch, and turns its end into an exit code. */
import './runtime.ts'
import { SettingsError } from '../config/index.ts'
import { EmbeddedPostgresError } from '../engines/database/embedded/binaries.ts'
import { type Command, CommandError, describeCommand, parseCommandLine, UsageError } from './command.ts'
import { commands } from './commands.ts'

async function main(argv: string[]): Promise<number> {
  const [name = 'help', ...rest] = argv
  if (name === 'help' || name === '--help' || name === '-h') return help(rest[0])
  if (rest.includes('--help') || rest.includes('-h')) return help(name)
  const load = findCommand(name)
  return load === undefined ? help(name) : runCommand(await load(), rest)
}

function findCommand(name: string): (() => Promise<Command>) | undefined {
  return Object.hasOwn(commands, name) ? commands[name] : undefined
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
async function sayError(command: Command, error: unknown): Promise<number> {
  if (error instanceof UsageError) {
    process.stderr.write(`${error.message}\n\n${describeCommand(command)}`)
    return 2
  }
  if (error instanceof CommandError) {
    if (error.message !== '') process.stderr.write(`${error.message}\n`)
    return error.exitCode
  }
  if (error instanceof SettingsError || error instanceof EmbeddedPostgresError) {
    process.stderr.write(`${error.message}\n`)
    return 1
  }
  const { isDatabaseUnavailable } = await import('../engines/database/database.ts')
  if (error instanceof Error && isDatabaseUnavailable(error)) {
    process.stderr.write(
      `The database does not answer: ${error.message}. Is DATABASE_URL, or DATA_DIR, the right one?\n`,
    )
    return 1
  }
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  if (error instanceof Error && error.cause !== undefined) process.stderr.write(`Cause: ${String(error.cause)}\n`)
  return 1
}

/** Of one command, or the list of all; a name that is none is an error. */
async function help(name: string | undefined): Promise<number> {
  const load = name === undefined ? undefined : findCommand(name)
  if (load !== undefined) {
    process.stdout.write(describeCommand(await load()))
    return 0
  }
  const all = await Promise.all(Object.values(commands).map((one) => one()))
  const width = Math.max(...all.map((one) => one.name.length)) + 2
  const list = all.map((one) => `  ${one.name.padEnd(width)}${one.summary}`).join('\n')
  const text = `heliograph <command> [options]\n\n${list}\n\nheliograph help <command> tells more.\n`
  if (name === undefined) {
    process.stdout.write(text)
    return 0
  }
  process.stderr.write(`There is no command "${name}".\n\n${text}`)
  return 2
}

// `heliograph list | head` closes the pipe when it has enough; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

process.exitCode = await main(process.argv.slice(2))
