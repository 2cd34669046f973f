/**
 * Holds the server under test to one CPU and 1 GiB. A cgroup v2 does so when this user may create one; otherwise the
 * server is pinned to the first core, the load to the others, and memory is measured but not enforced. Which of the
 * two was used is part of every result.
 */
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

export const memoryLimit = 1024 ** 3

export interface Limits {
  /** A sentence for the results. */
  description: string
  /** The command that runs `command` and all its children under the limits. */
  server(command: string[]): string[]
  /** The command that runs the load generator out of the server's way. */
  load(command: string[]): string[]
  /** Ends the limits; every limited process must be gone. */
  release(): void
}

export function chooseLimits(): Limits {
  return cgroupLimits() ?? pinnedLimits()
}

function cgroupLimits(): Limits | null {
  const group = `/sys/fs/cgroup/heliograph-bench-${process.pid}`
  try {
    mkdirSync(group)
  } catch {
    return null
  }
  const release = () => rmdirSync(group)
  try {
    // Without delegated controllers these files do not exist and cannot be created.
    writeFileSync(`${group}/cpu.max`, '100000 100000', { flag: 'r+' })
    writeFileSync(`${group}/memory.max`, String(memoryLimit), { flag: 'r+' })
  } catch {
    release()
    return null
  }
  return {
    description:
      'server and its children in a cgroup v2 with cpu.max of 1 CPU and memory.max of 1 GiB, page cache included',
    server: (command) => ['sh', '-c', `echo $$ > ${group}/cgroup.procs && exec "$@"`, 'sh', ...command],
    load: (command) => command,
    release,
  }
}

function pinnedLimits(): Limits {
  const cores = availableParallelism()
  const others = cores === 1 ? '0' : `1-${cores - 1}`
  return {
    description:
      `server and its children pinned to core 0, load generator to ${cores === 1 ? 'the same core' : `cores ${others}`} (taskset); ` +
      'memory measured, not enforced: no cgroup v2 with cpu and memory controllers could be created here',
    server: (command) => ['taskset', '-c', '0', ...command],
    load: (command) => ['taskset', '-c', others, ...command],
    release: () => undefined,
  }
}
