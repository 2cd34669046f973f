/**
 * How this machine can confine a program, found by trying: in namespaces with a root of its own (namespaces(7)), or, where
 * the kernel or a container forbids those, by resource limits alone.
 */
import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { planMounts } from './mounts.ts'
import type { IsolatedProgram, SandboxStrength } from './sandbox.ts'
import { startProgram } from './start.ts'

/** The command that confines a program and then becomes it. It writes `ready`, or why not, to descriptor 3. */
export interface Confinement {
  /** Whether the command itself stays outside, as the parent of the first process inside. */
  hasWalls: boolean
  /** Throws `UnreadablePath`. */
  wrap(program: IsolatedProgram): { command: string; args: string[]; folder: string }
}

/** Without its comments, since it becomes an argument that people see in lists of processes. */
function script(name: string): string {
  return readFileSync(fileURLToPath(new URL(name, import.meta.url)), 'utf8').replaceAll(/^(\s*#.*)?\n/gm, '')
}

/** A folder that every Linux has and no file of ours lies in; inside, something else is mounted over it. */
const mountPoint = '/sys'

/**
 * V8 alone maps 0.6 GB writable without touching it, and RLIMIT_DATA counts that, so it only stops what outruns the
 * watch. RLIMIT_AS would stop every WebAssembly program, which reserve 10 GB a module.
 */
const untouched = 2 ** 30

/**
 * Threads and processes together. As RLIMIT_NPROC it counts per namespace, rather than per user, since Linux 5.14, and
 * never binds root. `pid_max` binds everybody, but is one for the whole machine before Linux 6.14: never write it there.
 */
const taskLimit = 512
const taskBounds = {
  rlimit: isLinux(5, 14) ? taskLimit : 0,
  pidMax: isLinux(6, 14) ? taskLimit : 0,
}

export async function chooseConfinement(): Promise<{ confinement: Confinement; strength: SandboxStrength }> {
  if (process.platform !== 'linux') {
    return {
      confinement: limits([]),
      strength: {
        level: 'limits-only',
        missing:
          'Programs that read uploads are bounded in time and in the files they write, but not in memory, and not isolated, which needs Linux: run Heliograph there, or in a Linux container.',
      },
    }
  }
  let refusal = ''
  for (const way of ways()) {
    const confinement = behindWalls(way)
    const problem = await whyNot(confinement)
    if (problem === null) return { confinement, strength: { level: 'full', missing: null } }
    refusal ||= problem
  }
  const lowered = limits(dropPrivileges)
  const hasSetpriv = (await whyNot(lowered)) === null
  return {
    confinement: hasSetpriv ? lowered : limits([]),
    strength: {
      level: 'limits-only',
      missing: `Programs that read uploads run with limits but without isolation, since namespaces are refused here (${refusal}). Install util-linux, and allow user namespaces: sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns=0, or for a container a seccomp profile that permits unshare and mount.`,
    },
  }
}

/** Null when a program runs under it. */
async function whyNot(confinement: Confinement): Promise<string | null> {
  const trial = startProgram(
    {
      command: '/bin/sh',
      args: ['-c', 'exit 7'],
      readable: [],
      writable: null,
      limits: { memory: 2 ** 26, seconds: 10, fileSize: 2 ** 20 },
      priority: 'interactive',
    },
    confinement,
  )
  trial.stdout.resume()
  const [ending, complaints] = await Promise.all([trial.ended, text(trial.stderr)])
  if (ending.how === 'exit' && ending.code === 7) return null
  // What goes wrong before the first process inside begins is said by unshare itself.
  return complaints.trim() || (ending.how === 'not-started' ? ending.message : `a trial ended by ${ending.how}`)
}

const dropPrivileges = ['setpriv', '--no-new-privs', '--inh-caps=-all', '--ambient-caps=-all', '--bounding-set=-all']

/** A way to make walls. */
interface Way {
  /** What `unshare` is told about identities when the walls are made. */
  outer: string[]
  /** What stands before the program. */
  inner: string[]
  /** Options to mount `/proc` with; null for none, since most containers forbid it, and programs do without. */
  proc: string | null
}

/**
 * The preferred first. Root makes the walls with its own privileges, since it may have to reach files in folders of
 * others, and puts the program into a user namespace afterwards, for which it writes to a `/proc` that holds nothing but
 * the program's processes (Linux 5.8).
 */
function* ways(): Generator<Way> {
  const proc = 'nosuid,nodev,noexec'
  const user = ['--user', '--map-root-user']
  if (process.getuid?.() === 0) yield { outer: [], inner: ['unshare', ...user, '--'], proc: `${proc},subset=pid` }
  yield { outer: user, inner: [], proc: `ro,${proc},subset=pid` }
  yield { outer: user, inner: [], proc: null }
}

function behindWalls({ outer, inner, proc }: Way): Confinement {
  const [wallScript, programScript] = [script('walls.sh'), script('program.sh')]
  return {
    hasWalls: true,
    wrap: (program) => {
      const { command, readable, writable } = program
      const plan = planMounts(mountPoint, { readable: [command, ...readable], writable, proc })
      return {
        command: 'setpriv',
        args: [
          // The server's death is the death of all: its kernel signal ends unshare, unshare's ends the first process inside.
          ...['--pdeathsig', 'KILL', '--', 'unshare', ...outer],
          ...['--mount', '--pid', '--net', '--ipc', '--uts', '--fork', '--kill-child', '--'],
          ...['/bin/sh', '-c', wallScript, 'walls', mountPoint],
          ...[proc === null ? 'no-proc' : 'own-proc', String(taskBounds.pidMax), plan.table],
          ...[String(plan.folders.length), ...plan.folders, String(plan.files.length), ...plan.files],
          ...inner,
          ...limited(programScript, writable ?? '/', taskBounds.rlimit, dropPrivileges, program),
        ],
        folder: '/',
      }
    },
  }
}

/** Without walls: limits, a clean environment, and no way to gain privileges where `setpriv` is there. */
function limits(drop: string[]): Confinement {
  const programScript = `exec 4>&2 2>&3\n${script('program.sh')}`
  return {
    hasWalls: false,
    wrap: (program) => {
      const [command = '', ...args] = [
        ...(drop.length === 0 ? [] : ['setpriv', '--pdeathsig', 'KILL', '--']),
        // No bound on processes, which would count those of the user that are none of ours.
        ...limited(programScript, '', 0, drop, program),
      ]
      return { command, args, folder: program.writable ?? '/' }
    },
  }
}

/** Bulk work has the lowest weight that still gets its turn; the disk's scheduler takes the same order (ioprio_set(2)). */
function limited(
  programScript: string,
  folder: string,
  tasks: number,
  drop: string[],
  { command, args, priority, limits: { memory, fileSize } }: IsolatedProgram,
): string[] {
  return [
    ...['/bin/sh', '-c', programScript, 'program', folder],
    ...[(memory + untouched) / 1024, fileSize / 512, tasks].map((bound) => String(Math.ceil(bound))),
    ...(priority === 'bulk' ? ['nice', '-n', '10'] : []),
    ...(drop.length === 0 ? [] : [...drop, '--']),
    ...[command, ...args],
  ]
}

function isLinux(atLeastMajor: number, atLeastMinor: number): boolean {
  const [major = 0, minor = 0] = process.platform === 'linux' ? release().split('.').map(Number) : []
  return major > atLeastMajor || (major === atLeastMajor && minor >= atLeastMinor)
}
