/**
 * Who writes a temporary file. Its name carries the host, the process and when that process started, so that what a
 * killed process left can be told from what a running one is still writing, also by another process of the same host.
 *
 * A process id alone would not do: ids are used again, and in containers every process is number 1. The start time
 * comes from `/proc/PID/stat` together with the boot it is counted from; where there is no `/proc`, age decides.
 */
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { hasCode, isMissing } from './errors.ts'

/** Milliseconds without a write after which a file of an unknown process counts as left behind. */
const abandonedAfter = 24 * 3_600_000

const unknownStart = '0'

export interface TemporaryNames {
  /** A name that nobody else uses. */
  next(): string
  /** Whether the process that made this name is gone; `modifiedAt` is when the file was last written. */
  isAbandoned(name: string, modifiedAt: Date): Promise<boolean>
}

export function createTemporaryNames(): TemporaryNames {
  const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 12)
  const boot = readBoot()
  const start = boot === null ? unknownStart : ownStart(boot)
  const prefix = `${host}-${process.pid}-${start}-${randomBytes(6).toString('hex')}`
  let count = 0

  return {
    next() {
      count += 1
      return `${prefix}-${count.toString(36)}`
    },

    async isAbandoned(name, modifiedAt) {
      const [itsHost, pid, itsStart] = name.split('-')
      const canTell = itsHost === host && itsStart !== undefined && itsStart !== unknownStart && boot !== null
      if (!canTell) return Date.now() - modifiedAt.getTime() > abandonedAfter
      return (await runningStart(Number(pid), boot)) !== itsStart
    },
  }
}

function readBoot(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

function ownStart(boot: string): string {
  return startOf(readFileSync('/proc/self/stat', 'utf8'), boot) ?? unknownStart
}

async function runningStart(pid: number, boot: string): Promise<string | null> {
  try {
    return startOf(await readFile(`/proc/${pid}/stat`, 'utf8'), boot)
  } catch (error) {
    // ESRCH comes when it dies between the opening and the reading.
    if (hasCode(error, 'ENOENT', 'ESRCH')) return null
    throw error
  }
}

/**
 * Field 3 of `/proc/PID/stat` is the state, field 22 the start in clock ticks since boot (proc(5)). The name in field 2
 * may hold anything, parentheses and blanks too, so the fields are counted from its last parenthesis. Null for a zombie.
 */
function startOf(stat: string, boot: string): string | null {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const state = fields[0]
  if (state === 'Z' || state === 'X') return null
  return createHash('sha256').update(`${boot} ${fields[19]}`).digest('hex').slice(0, 12)
}
