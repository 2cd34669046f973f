/** Tables, medians and targets, as Markdown that also reads well in a terminal. */
import { readFileSync, writeFileSync } from 'node:fs'

export interface Target {
  what: string
  /** As it is written in the specification, for example "at most 1.3". */
  wanted: string
  measured: string
  met: boolean
}

export interface Section {
  /** Letter of the case. */
  id: string
  title: string
  /** How it was measured, in sentences. */
  method: string
  header: string[]
  rows: string[][]
  targets: Target[]
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

export const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0)

/** The first column is text, the others are numbers, aligned to the right. */
export function table(header: string[], rows: string[][]): string {
  const widths = header.map((name, column) => Math.max(name.length, 3, ...rows.map((row) => row[column]?.length ?? 0)))
  const cell = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)
  const line = (cells: string[]) => `| ${header.map((_, column) => cell(cells[column] ?? '', column)).join(' | ')} |`
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [line(header), line(rule), ...rows.map(line)].join('\n')
}

export function renderSection(section: Section, environment: string): string {
  const targets = section.targets.map(({ what, wanted, measured, met }) => [
    what,
    wanted,
    measured,
    met ? 'met' : 'MISSED',
  ])
  return [
    `## (${section.id}) ${section.title}`,
    section.method,
    table(section.header, section.rows),
    ...(targets.length === 0 ? [] : [table(['target', 'wanted', 'measured', ''], targets)]),
    environment,
  ].join('\n\n')
}

const marker = (id: string, edge: 'begin' | 'end') => `<!-- case ${id} ${edge} -->`

/** Replaces the sections that were measured and keeps the others. */
export function writeResults(path: URL, rendered: Map<string, string>): void {
  const old = readOrEmpty(path)
  const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k']
  const parts = ids.map((id) => {
    const kept = old.split(marker(id, 'begin'))[1]?.split(marker(id, 'end'))[0]?.trim()
    const text = rendered.get(id) ?? kept
    return text === undefined ? '' : `${marker(id, 'begin')}\n\n${text}\n\n${marker(id, 'end')}\n`
  })
  const head =
    '# Benchmark results\n\nWritten by `npm run bench`; [README.md](README.md) says what is measured and how. ' +
    'Values are medians of interleaved rounds.\n'
  writeFileSync(path, [head, ...parts.filter((part) => part !== '')].join('\n'))
}

function readOrEmpty(path: URL): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
