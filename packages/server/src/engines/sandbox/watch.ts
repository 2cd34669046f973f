/**
 * Watches over a running program: its memory, its processes, its time and its folder. The kernel's own limits count
 * each process alone, and address space rather than memory; this counts what the whole tree really uses.
 */
import type { Dirent } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { memoryOf, processTree } from './process-tree.ts'
import type { SandboxLimits } from './sandbox.ts'

export type Excess = 'memory' | 'time' | 'file-size' | 'processes'

/** More than any decoder needs: ffmpeg and sharp use threads, which are not counted here. */
export const processLimit = 128

/** Milliseconds between looks; something that fills up quickly is looked at more often. */
const calm = 100
const alert = 25
/** Milliseconds between looks at the folder. */
const folderPause = 1000

/** Calls `exceeded` once, with the first limit that is passed. The result ends the watch. */
export function watchOver(
  pid: number,
  limits: SandboxLimits,
  folder: string | null,
  exceeded: (limit: Excess) => void,
): () => void {
  const timers = new Map<string, NodeJS.Timeout>()
  const later = (name: string, milliseconds: number, run: () => void) =>
    timers.set(name, setTimeout(run, milliseconds).unref())
  let isOver = false
  const end = () => {
    isOver = true
    for (const timer of timers.values()) clearTimeout(timer)
  }
  const report = (limit: Excess) => {
    end()
    exceeded(limit)
  }

  const lookAtProcesses = () => {
    const tree = processTree(pid, processLimit + 1)
    if (tree.length > processLimit) return report('processes')
    const used = memoryOf(tree, limits.memory / 2)
    if (used > limits.memory) return report('memory')
    later('processes', used > limits.memory / 2 ? alert : calm, lookAtProcesses)
  }
  later('processes', alert, lookAtProcesses)

  // A timer holds no more than 24 days, which nobody waits for.
  if (limits.seconds !== null) later('time', Math.min(limits.seconds * 1000, 2 ** 31 - 1), () => report('time'))

  const bound = limits.folderSize
  if (folder !== null && bound !== undefined) {
    const lookAtFolder = async () => {
      const { total } = await sizes(folder)
      if (isOver) return
      if (total > bound) return report('file-size')
      later('folder', folderPause, lookAtFolder)
    }
    later('folder', folderPause, lookAtFolder)
  }
  return end
}

/** Bytes on disk of everything in a folder, and the length of its longest file. What vanishes meanwhile counts nothing. */
export async function sizes(folder: string): Promise<{ total: number; longest: number }> {
  const found = { total: 0, longest: 0 }
  let entries: Dirent[]
  try {
    entries = await readdir(folder, { recursive: true, withFileTypes: true })
  } catch {
    // The program removed folders while they were read, or its caller removed the whole; the next look sees the rest.
    return found
  }
  for (const entry of entries) {
    const file = await lstat(join(entry.parentPath, entry.name)).catch(() => null)
    if (file === null) continue
    found.total += file.blocks * 512
    found.longest = Math.max(found.longest, file.isFile() ? file.size : 0)
  }
  return found
}
