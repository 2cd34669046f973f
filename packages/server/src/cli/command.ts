/** What a command of the command line is: how it is called, and the function that does it. */
import type { Readable, Writable } from 'node:stream'
import type { ParseArgsConfig } from 'node:util'
import { parseArgs } from 'node:util'

export type OptionValues = Record<string, string | boolean | (string | boolean)[] | undefined>

/** What a terminal, a pipe or a test offers to write to. */
export type Output = Writable & { isTTY?: boolean; columns?: number; rows?: number }

export interface CommandContext {
  /** What is no option. */
  args: string[]
  values: OptionValues
  stdin: Readable & { isTTY?: boolean }
  stdout: Output
  stderr: Output
  env: Record<string, string | undefined>
  cwd: string
  /** Aborted by the first Ctrl-C or SIGTERM; the second ends the process. */
  signal: AbortSignal
}

export interface Command {
  name: string
  /** One line for the list of commands. */
  summary: string
  /** Behind `heliograph`, for example `upload [options] <folder or file>…`. */
  usage: string
  options: CommandOptions
  /** Returns the exit code. A `UsageError` is said with the usage, any other error as it is. */
  run(context: CommandContext): Promise<number>
}

export type CommandOptions = Record<
  string,
  NonNullable<ParseArgsConfig['options']>[string] & { meaning: string; placeholder?: string }
>

/** The command was called wrongly; exit code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UsageError'
  }
}

/** Ends the command with a sentence for the person, and nothing of the program's inside. */
export class CommandError extends Error {
  /** 1: something failed. 2: not signed in. 130: interrupted. */
  readonly exitCode: number

  constructor(message: string, exitCode = 1) {
    super(message)
    this.name = 'CommandError'
    this.exitCode = exitCode
  }
}

/** Throws `UsageError` for options the command does not have. */
export function parseCommandLine(command: Command, argv: string[]): Pick<CommandContext, 'args' | 'values'> {
  try {
    const { values, positionals } = parseArgs({
      args: argv,
      options: command.options,
      allowPositionals: true,
      strict: true,
    })
    return { args: positionals, values: values as OptionValues }
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message)
    throw error
  }
}

/** Usage, summary and options of one command, for `heliograph help <command>`. */
export function describeCommand(command: Command): string {
  const rows = Object.entries(command.options).map(([name, option]) => {
    const short = option.short === undefined ? '    ' : `-${option.short}, `
    const value = option.type === 'string' ? ` <${option.placeholder ?? name}>` : ''
    return [`  ${short}--${name}${value}`, option.meaning] as const
  })
  const width = Math.max(0, ...rows.map(([left]) => left.length)) + 2
  const options = rows.map(([left, meaning]) => `${left.padEnd(width)}${meaning}`)
  const list = options.length === 0 ? '' : `\n\nOptions:\n${options.join('\n')}`
  return `heliograph ${command.usage}\n\n${command.summary}.${list}\n`
}

/** The value of a text option, or null when it was not given. */
export function textOption({ values }: Pick<CommandContext, 'values'>, name: string): string | null {
  const value = values[name]
  return typeof value === 'string' ? value : null
}

/** A whole number from 1 to `max`; throws `UsageError` for anything else. */
export function numberOption(context: CommandContext, name: string, fallback: number, max: number): number {
  const text = textOption(context, name)
  if (text === null) return fallback
  const number = Number(text)
  if (Number.isInteger(number) && number >= 1 && number <= max) return number
  throw new UsageError(`--${name} is "${text}", but must be a whole number from 1 to ${max}.`)
}
