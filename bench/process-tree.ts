/**
 * What a process and its descendants used, read from Linux's /proc: CPU seconds from `stat`, memory from `status` (see
 * proc(5)). Postgres, which our server starts as its child, is counted apart from the server itself.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

/** USER_HZ, which Linux fixes at 100 for what it shows to programs. */
const ticksPerSecond = 100

interface Row {
  pid: number
  parent: number
  isPostgres: boolean
  /** Ticks of the process and of those of its children that are gone. */
  ticks: number
}

export interface Usage {
  /** CPU seconds since the processes began. */
  server: number
  postgres: number
}

function readRows(): Row[] {
  const rows: Row[] = []
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = readOrNull(`/proc/${name}/stat`)
    if (stat === null) continue
    // The command is in parentheses and may itself hold spaces and parentheses.
    const command = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0)
    rows.push({ pid: Number(name), parent: Number(fields[1]), isPostgres: command.startsWith('postgres'), ticks })
  }
  return rows
}

/** `root` and all its descendants. */
function readTree(root: number): Row[] {
  const rows = readRows()
  const tree = rows.filter((row) => row.pid === root)
  for (const parent of tree) tree.push(...rows.filter((row) => row.parent === parent.pid))
  return tree
}

export function readUsage(root: number): Usage {
  const usage = { server: 0, postgres: 0 }
  for (const row of readTree(root)) usage[row.isPostgres ? 'postgres' : 'server'] += row.ticks / ticksPerSecond
  return usage
}

/** CPU seconds the whole machine has spent working. */
export function readBusy(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (
    readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? ''
  )
    .split(/\s+/)
    .slice(1)
    .map(Number)
  return (user + nice + system + irq + softirq) / ticksPerSecond
}

/** Resident memory in bytes now, of the server's own process. */
export function readResident(pid: number): number {
  return readStatus(pid, 'VmRSS')
}

export interface MemoryWatch {
  /** Ends it. `server` is the kernel's own peak of the one process; `postgres` the largest of four samples a second. */
  stop(): { server: number; postgres: number }
}

/** Resets the kernel's peak of `root` and watches from here on. */
export function watchMemory(root: number): MemoryWatch {
  // "5" resets VmHWM to the current resident size.
  writeFileSync(`/proc/${root}/clear_refs`, '5')
  let postgres = 0
  const sample = () => {
    postgres = Math.max(postgres, postgresResident(root))
  }
  const timer = setInterval(sample, 250)
  return {
    stop() {
      clearInterval(timer)
      sample()
      return { server: readStatus(root, 'VmHWM'), postgres }
    },
  }
}

/** Private memory in bytes now of `root` and all its descendants but Postgres. */
export function readTreeMemory(root: number): number {
  const own = readTree(root).filter((row) => !row.isPostgres)
  return own.reduce((sum, row) => sum + readStatus(row.pid, 'RssAnon'), 0)
}

/** Private memory of every Postgres process, and their shared buffers once. */
function postgresResident(root: number): number {
  let own = 0
  let shared = 0
  for (const row of readTree(root)) {
    if (!row.isPostgres) continue
    own += readStatus(row.pid, 'RssAnon')
    shared = Math.max(shared, readStatus(row.pid, 'RssShmem'))
  }
  return own + shared
}

/** Bytes; 0 when the process is gone. */
function readStatus(pid: number, field: string): number {
  const status = readOrNull(`/proc/${pid}/status`) ?? ''
  return Number(new RegExp(`^${field}:\\s*(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024
}

/** Null when the process ended meanwhile. */
function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ESRCH') return null
    throw error
  }
}
