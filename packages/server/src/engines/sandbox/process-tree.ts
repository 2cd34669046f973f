/** Looks at a process and all its descendants, through Linux' `/proc`. */
import { readdirSync, readFileSync } from 'node:fs'

/**
 * The process and its descendants, itself first, at most `limit` of them; those that end meanwhile are left out. Empty
 * where there is no `/proc`.
 */
export function processTree(root: number, limit: number): number[] {
  const found = [root]
  // The list grows while it is walked.
  for (const id of found) {
    if (found.length >= limit) break
    found.push(...childrenOf(id))
  }
  return found.slice(0, limit)
}

export function childrenOf(id: number): number[] {
  return entries(`/proc/${id}/task`).flatMap((thread) =>
    (text(`/proc/${id}/task/${thread}/children`) ?? '').split(' ').filter(Boolean).map(Number),
  )
}

/**
 * Bytes of memory that would be free again if these processes ended: private pages, their share of shared ones, and
 * what was swapped out. Pages of files are not counted, since the kernel drops them when it needs them. `enough` ends
 * the exact count early: when everything resident together is less, that larger sum is the answer, and it is cheap.
 */
export function memoryOf(ids: number[], enough: number): number {
  const resident = sum(ids, residentBytes)
  return resident < enough ? resident : sum(ids, (id) => ownBytes(id) ?? residentBytes(id))
}

function residentBytes(id: number): number {
  return kilobytes(text(`/proc/${id}/status`), 'VmRSS')
}

function ownBytes(id: number): number | undefined {
  const rollup = text(`/proc/${id}/smaps_rollup`)
  if (rollup === undefined) return undefined
  return kilobytes(rollup, 'Pss_Anon') + kilobytes(rollup, 'Pss_Shmem') + kilobytes(rollup, 'SwapPss')
}

/** In bytes, the value of a line `name: 12 kB`. */
function kilobytes(lines: string | undefined, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(lines ?? '')?.[1] ?? 0) * 1024
}

function sum(ids: number[], measure: (id: number) => number): number {
  return ids.reduce((total, id) => total + measure(id), 0)
}

/** Undefined when the process has ended, or does not let itself be read. */
function text(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function entries(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
