/** Questions to a person at a terminal; a password is not shown while it is typed. */
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { type CommandContext, CommandError } from './command.ts'

/** True when there is a person to ask. */
export function canAsk({ stdin, stderr }: CommandContext): boolean {
  return stdin.isTTY === true && stderr.isTTY === true
}

/** Resolves with what was typed, or with `fallback` for an empty line. Throws `CommandError` (130) on Ctrl-C. */
export async function ask(
  context: CommandContext,
  question: string,
  { hidden = false, fallback = '' }: { hidden?: boolean; fallback?: string } = {},
): Promise<string> {
  let isMuted = false
  const output = new Writable({
    write(chunk, _encoding, done) {
      if (!isMuted) context.stderr.write(String(chunk))
      done()
    },
  })
  const lines = createInterface({ input: context.stdin, output, terminal: true, historySize: 0 })
  const cancelled = new AbortController()
  lines.once('SIGINT', () => cancelled.abort())
  // Ctrl-D.
  lines.once('close', () => cancelled.abort())
  try {
    const hint = fallback === '' ? '' : ` [${fallback}]`
    const answer = lines.question(`${question}${hint}: `, {
      signal: AbortSignal.any([context.signal, cancelled.signal]),
    })
    isMuted = hidden
    const text = await answer
    return text.trim() === '' ? fallback : hidden ? text : text.trim()
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') throw new CommandError('', 130)
    throw error
  } finally {
    lines.close()
    if (hidden) context.stderr.write('\n')
  }
}

/** Everything that comes on standard input, without the line break at its end. */
export async function readAll({ stdin }: CommandContext): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '')
}
