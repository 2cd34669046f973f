/**
 * `heliograph renditions`: has thumbnails and playable videos made that are missing, or all of them anew. The work is the
 * server's; this only enqueues it, and shows how far it is for as long as somebody watches.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { type Engines, openEngines } from '../composition.ts'
import { loadConfig } from '../config/index.ts'
import {
  countRebuilding,
  countSelected,
  enqueueSelected,
  rebuildFailures,
  type Selection,
} from '../renditions/index.ts'
import { type Command, type CommandContext, CommandError, type Output, textOption, UsageError } from './command.ts'
import { requireInstallation, requireSchema } from './installation.ts'
import { createLogger } from './logger.ts'
import { count, formatDuration, safeText } from './progress-text.ts'

export const renditionsCommand: Command = {
  name: 'renditions',
  summary: 'Have missing thumbnails and playable videos made, or all of them anew; a running server does the work',
  usage: 'renditions --missing | --rebuild [--kind image|video] [--dry-run]',
  options: {
    missing: {
      type: 'boolean',
      meaning: 'What was never made, was made by an older version, or failed for want of a decoder',
    },
    rebuild: { type: 'boolean', meaning: 'Everything, also what is there' },
    kind: { type: 'string', meaning: 'Only these: image or video', placeholder: 'kind' },
    'dry-run': { type: 'boolean', meaning: 'Only say how many there are' },
  },
  run: renditions,
}

/** Milliseconds between two looks at how far it is. */
const interval = 1_000
/** Failures named at the end. */
const shownFailures = 50

async function renditions(context: CommandContext): Promise<number> {
  const selection = selectionOf(context)
  const config = loadConfig(context.env)
  requireInstallation(config, 'renditions')
  const engines = await openEngines(config, createLogger(config), { migrate: false })
  try {
    await requireSchema(engines)
    if (context.values['dry-run'] === true) {
      const found = await countSelected(engines.db, selection)
      context.stdout.write(`${count(found, 'file')} would be processed.\n`)
      return 0
    }
    return await rebuild(context, engines, selection)
  } finally {
    await engines.close()
  }
}

function selectionOf(context: CommandContext): Selection {
  const { missing, rebuild: all } = context.values
  if ((missing === true) === (all === true)) throw new UsageError('Say either --missing or --rebuild.')
  const kind = textOption(context, 'kind')
  if (kind !== null && kind !== 'image' && kind !== 'video') {
    throw new UsageError(`--kind is "${kind}", but must be image or video.`)
  }
  return { which: all === true ? 'all' : 'missing', kind }
}

async function rebuild(context: CommandContext, engines: Engines, selection: Selection): Promise<number> {
  const { stdout, stderr, signal } = context
  const since = new Date()
  const line = showLine(stderr)
  const enqueued = await enqueueSelected(engines, selection, {
    signal,
    onBatch: (number) => line.show(`Enqueued ${count(number, 'file')} …`),
  })
  if (enqueued === 0) {
    line.end()
    stdout.write('Nothing is missing.\n')
    return 0
  }
  await watch(engines, enqueued, signal, line).finally(line.end)

  const failures = await rebuildFailures(engines.db, since, shownFailures + 1)
  const left = await countRebuilding(engines.db)
  for (const { filename, id, reason } of failures.slice(0, shownFailures)) {
    stdout.write(`  - ${safeText(filename)} (asset ${id}): ${reason}\n`)
  }
  if (failures.length > shownFailures) stdout.write('  … and more\n')
  if (left > 0) {
    throw new CommandError(
      `Interrupted. ${count(left, 'file stays', 'files stay')} in the queue, and a running server goes on. Look again with: heliograph renditions --missing --dry-run`,
      130,
    )
  }
  stdout.write(
    failures.length === 0
      ? `Done: ${count(enqueued, 'file')}.\n`
      : `Done: ${count(enqueued, 'file')}, of which those above could not be shown. Their originals are kept.\n`,
  )
  return failures.length === 0 ? 0 : 1
}

/** Until nothing is left or the person has seen enough. */
async function watch({ db }: Engines, enqueued: number, signal: AbortSignal, line: Line): Promise<void> {
  const started = performance.now()
  let total = enqueued
  while (!signal.aborted) {
    const left = await countRebuilding(db)
    // An earlier rebuild may have left some.
    total = Math.max(total, left)
    if (left === 0) return
    line.show(progressLine(total - left, total, (performance.now() - started) / 1000))
    await delay(interval, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  }
}

/** @param seconds since the start. */
export function progressLine(done: number, total: number, seconds: number): string {
  const columns = 24
  const filled = Math.floor((done / total) * columns)
  const rate = seconds > 0 ? done / seconds : 0
  const speed =
    rate > 0
      ? `, ${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s, ${formatDuration((total - done) / rate)} left`
      : ''
  const isIdle = done === 0 && seconds > 20 ? ' (does a server run?)' : ''
  return `${'█'.repeat(filled)}${'░'.repeat(columns - filled)} ${done.toLocaleString('en')}/${count(total, 'file')}${speed}${isIdle}`
}

interface Line {
  show(text: string): void
  end(): void
}

/** Milliseconds between two lines where they cannot be written over. */
const plainInterval = 5_000

/** One line that is written over on a terminal; elsewhere a line every few seconds. */
function showLine(output: Output): Line {
  const isTerminal = output.isTTY === true
  let shownAt = Number.NEGATIVE_INFINITY
  return {
    show(text) {
      if (isTerminal) output.write(`\r\x1b[K${text}`)
      else if (performance.now() - shownAt >= plainInterval) {
        shownAt = performance.now()
        output.write(`${text}\n`)
      }
    },
    end() {
      if (isTerminal) output.write('\r\x1b[K')
    },
  }
}
