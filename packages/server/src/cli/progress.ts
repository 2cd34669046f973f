/**
 * Shows how far a long command is: on a terminal a bar for the whole and a line for each file in flight, redrawn in place;
 * anywhere else a plain line every few seconds.
 */
import type { Output } from './command.ts'
import { count, formatBytes, formatDuration, nameCell } from './progress-text.ts'

export interface FileProgress {
  name: string
  /** Bytes. */
  size: number
  /** What happens to it: `checking`, `uploading`, `verifying`. */
  activity: string
  /** Of the activity, from 0 to 1. */
  fraction: number
}

export interface Progress {
  files: number
  filesDone: number
  bytes: number
  bytesDone: number
  bytesPerSecond: number
  inFlight: FileProgress[]
}

export interface ProgressDisplay {
  /** Takes the moving lines away and stops redrawing. */
  end(): void
}

export interface DisplayOptions {
  output: Output
  env: Record<string, string | undefined>
  read: () => Progress
  /** Milliseconds between plain lines; 5,000 when absent. */
  plainInterval?: number
}

const redrawInterval = 100

export function showProgress({ output, env, read, plainInterval = 5000 }: DisplayOptions): ProgressDisplay {
  const isTerminal = output.isTTY === true && env.TERM !== 'dumb'
  return isTerminal ? showOnTerminal(output, env, read) : showPlain(output, read, plainInterval)
}

function showPlain(output: Output, read: () => Progress, interval: number): ProgressDisplay {
  const timer = setInterval(() => output.write(`${summaryLine(read())}\n`), interval)
  return { end: () => clearInterval(timer) }
}

function showOnTerminal(output: Output, env: DisplayOptions['env'], read: () => Progress): ProgressDisplay {
  // https://no-color.org: present and not empty.
  const hasColor = !env.NO_COLOR
  let linesDrawn = 0

  function erase(): string {
    // To the first column too: Ctrl-C makes the terminal print `^C` here.
    return linesDrawn === 0 ? '' : `\r\x1b[${linesDrawn}A\x1b[0J`
  }

  function draw(): void {
    // One column stays free: a full line makes some terminals wrap.
    const all = renderProgress(read(), (output.columns ?? 80) - 1, hasColor)
    // What scrolls out at the top could not be redrawn.
    const lines = all.slice(0, Math.max(1, (output.rows ?? 24) - 2))
    output.write(`${erase()}${lines.join('\n')}\n`)
    linesDrawn = lines.length
  }

  draw()
  const timer = setInterval(draw, redrawInterval)
  return {
    end() {
      clearInterval(timer)
      output.write(erase())
      linesDrawn = 0
    },
  }
}

/** The lines of the display, each at most `columns` wide. */
export function renderProgress(progress: Progress, columns: number, hasColor: boolean): string[] {
  const paint = (code: number, text: string) => (hasColor ? `\x1b[${code}m${text}\x1b[0m` : text)
  const whole = progress.bytes === 0 ? 0 : progress.bytesDone / progress.bytes
  const summary = summaryLine(progress)
  const barColumns = Math.min(30, columns - summary.length - 1)
  const first = barColumns < 8 ? summary : `${paint(36, bar(whole, barColumns))} ${summary}`

  const nameColumns = Math.max(8, columns - fileColumns)
  const files = progress.inFlight.map(
    (file) =>
      `  ${nameCell(file.name, nameColumns)} ${formatBytes(file.size).padStart(8)} ` +
      `${paint(2, file.activity.padEnd(9))} ${paint(36, bar(file.fraction, 10))} ${percent(file.fraction)}`,
  )
  return columns < fileColumns + 8 ? [first.slice(0, columns)] : [first, ...files]
}

/** What a file's line takes besides its name. */
const fileColumns = 2 + 1 + 8 + 1 + 9 + 1 + 10 + 1 + 4

function summaryLine({ files, filesDone, bytes, bytesDone, bytesPerSecond }: Progress): string {
  const left =
    bytesPerSecond > 0 && bytesDone < bytes ? `, ${formatDuration((bytes - bytesDone) / bytesPerSecond)} left` : ''
  const speed = bytesPerSecond > 0 ? `, ${formatBytes(bytesPerSecond)}/s` : ''
  const fraction = bytes === 0 ? 0 : bytesDone / bytes
  return `${percent(fraction)} ${filesDone}/${count(files, 'file')}, ${formatBytes(bytesDone)}/${formatBytes(bytes)}${speed}${left}`
}

function percent(fraction: number): string {
  // Rounded down: 100% means that it is done.
  return `${Math.floor(Math.min(1, Math.max(0, fraction)) * 100)}%`.padStart(4)
}

function bar(fraction: number, columns: number): string {
  const filled = Math.floor(Math.min(1, Math.max(0, fraction)) * columns)
  return '█'.repeat(filled) + '░'.repeat(columns - filled)
}
