/**
 * What a program sees inside the walls: the system's programs and libraries, three devices, its own processes, and the
 * files it was given. Everything else of the host has no name there.
 */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, isAbsolute, normalize } from 'node:path'

export interface MountPlan {
  /** In the format of fstab(5). */
  table: string
  /** Mount points, relative to the root that is made. */
  folders: string[]
  files: string[]
}

/** A folder or file cannot be shown to the program; the message is a sentence. */
export class UnreadablePath extends Error {
  override name = 'UnreadablePath'
}

interface Bind {
  path: string
  options: string[]
}

const executable = ['ro', 'nosuid', 'nodev']
const written = ['bind', 'rw', 'nosuid', 'nodev', 'noexec']
const device = ['bind', 'nosuid', 'noexec']

/** Not all of /usr: people keep applications, and their data, in /usr/src and /usr/local. */
const system = [
  ...['/bin', '/lib', '/lib32', '/lib64', '/usr/bin', '/usr/lib', '/usr/lib32', '/usr/lib64', '/usr/local/lib'],
  ...['/etc/alternatives', '/etc/ld.so.cache'],
]

/**
 * Plans the mounts below `root`, parents before what lies in them; `proc` are the options to mount its own `/proc` with,
 * null for the host's, which walls.sh takes away at the end. Throws `UnreadablePath` for a path that is not
 * absolute or not there.
 */
export function planMounts(
  root: string,
  { readable, writable, proc }: { readable: string[]; writable: string | null; proc: string | null },
): MountPlan {
  const mounts = readMounts()
  const shown = (path: string) => withMountsBelow(path, mounts)
  const libraries = system.filter((path) => existsSync(path)).flatMap(shown)
  const given = [...new Set(readable.map(checked))]
    .filter((path) => !libraries.some((library) => isWithin(path, library.path)))
    .flatMap(shown)
  const ownFolder = writable === null ? [] : [{ path: checked(writable), options: written }]
  const binds: Bind[] = [
    ...libraries,
    ...[...ownFolder, ...given].sort((one, other) => one.path.length - other.path.length),
    ...['/dev/null', '/dev/zero', '/dev/urandom'].map((path) => ({ path, options: device })),
  ]

  const line = (source: string, target: string, type: string, options: string[]) =>
    `${escaped(source)} ${escaped(root + target)} ${type} ${options.join()} 0 0\n`
  const table = binds.map(({ path, options }) => line(path, path, 'none', options))
  table.push(proc === null ? line('/proc', '/proc', 'none', ['rbind']) : line('proc', '/proc', 'proc', [proc]))

  const folders = binds.filter(({ path }) => statSync(path).isDirectory()).map(({ path }) => path)
  const files = binds.map(({ path }) => path).filter((path) => !folders.includes(path))
  return {
    table: table.join(''),
    folders: [...new Set(['/proc', ...folders, ...files.map(dirname)])].map(relative),
    files: files.map(relative),
  }
}

function checked(path: string): string {
  const plain = normalize(path).replace(/(?<=.)\/+$/, '')
  if (!isAbsolute(plain) || plain === '/') throw new UnreadablePath(`${path} is not a path that can be shown.`)
  if (!existsSync(plain)) throw new UnreadablePath(`${path} is not there.`)
  return plain
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}

function relative(path: string): string {
  return `.${path}`
}

/** As fstab(5) wants it: whatever could end a field or a line, or begin a comment or a tag, by its octal number. */
function escaped(path: string): string {
  let text = ''
  for (const byte of Buffer.from(path)) {
    const character = String.fromCharCode(byte)
    text += /[A-Za-z0-9/._-]/.test(character) ? character : `\\${byte.toString(8).padStart(3, '0')}`
  }
  return text
}

interface Mount {
  point: string
  isExecutable: boolean
}

function readMounts(): Mount[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((row) => {
      const [, , , , point, options] = row.split(' ')
      if (point === undefined || options === undefined) return []
      return [{ point: unescaped(point), isExecutable: !options.split(',').includes('noexec') }]
    })
}

/**
 * Binds a path, and then again each mount that lies below it: what comes along with the path itself would stay writable.
 * The kernel insists that they come along, since an unprivileged user might uncover what a mount hides.
 */
function withMountsBelow(path: string, mounts: Mount[]): Bind[] {
  const real = realpathSync(path)
  const below = mounts
    .filter(({ point }) => point !== real && isWithin(point, real))
    .map(({ point }) => path + point.slice(real.length))
    .filter((inner) => existsSync(inner))
  return [...new Set([path, ...below.sort((one, other) => one.length - other.length)])].map((inner) => ({
    path: inner,
    options: [below.length === 0 ? 'bind' : 'rbind', ...executable, ...inherited(realpathSync(inner), mounts)],
  }))
}

/**
 * What a mount forbids may not be allowed again by whoever has no privilege outside, so a file on a `noexec` file
 * system has to be shown as `noexec` too (mount_namespaces(7)).
 */
function inherited(real: string, mounts: Mount[]): string[] {
  // The last of the longest: what is mounted over another is listed later.
  const holder = mounts
    .filter(({ point }) => point === '/' || isWithin(real, point))
    .reduce<Mount | undefined>(
      (best, mount) => (best === undefined || mount.point.length >= best.point.length ? mount : best),
      undefined,
    )
  return holder?.isExecutable === false ? ['noexec'] : []
}

function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}
