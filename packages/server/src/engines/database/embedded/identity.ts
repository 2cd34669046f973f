/**
 * Under which identity Postgres runs. It refuses root, which containers and quick trials use, so as root it is run
 * inside a user namespace where it has no name (files stay root's own), or, where namespaces are forbidden, as `nobody`.
 */
import { execFile } from 'node:child_process'
import { chown, lchown, lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { EmbeddedPostgresError } from './binaries.ts'

export interface Identity {
  /** How to start `program` under this identity. */
  command(program: string, args: string[]): { file: string; args: string[]; uid?: number; gid?: number }
  /** Gives the folder, and all in it, to the identity when it is another's. */
  own(folder: string): Promise<void>
}

const run = promisify(execFile)

/** The id that Linux gives `nobody`, and to whoever is not mapped into a user namespace. */
const nobody = 65_534

/** Throws `EmbeddedPostgresError` when no identity is possible. */
export async function chooseIdentity(postgres: string): Promise<Identity> {
  if (process.getuid?.() !== 0) return ordinary
  if (await works(namespaced, postgres)) return namespaced
  if (process.platform === 'linux' && (await works(asNobody, postgres))) return asNobody
  throw new EmbeddedPostgresError(
    'Postgres refuses to run as root, and neither a user namespace (unshare --user) nor the user nobody could run it here. Start Heliograph as an ordinary user, or set DATABASE_URL.',
  )
}

const ordinary: Identity = {
  command: (file, args) => ({ file, args }),
  own: async () => undefined,
}

const namespaced: Identity = {
  command: (program, args) => ({ file: 'unshare', args: ['--user', '--', program, ...args] }),
  // Inside, root's files belong to the same unmapped user as the process; the kernel still sees root.
  own: (folder) => giveTo(folder, 0),
}

const asNobody: Identity = {
  command: (file, args) => ({ file, args, uid: nobody, gid: nobody }),
  own: (folder) => giveTo(folder, nobody),
}

async function works(identity: Identity, postgres: string): Promise<boolean> {
  const { file, args, ...ids } = identity.command(postgres, ['--version'])
  // Whatever the reason is, the next identity is tried; the last one failing has its own sentence.
  return run(file, args, { ...ids, cwd: '/' }).then(
    () => true,
    () => false,
  )
}

async function giveTo(folder: string, owner: number): Promise<void> {
  if ((await lstat(folder)).uid === owner) return
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    await lchown(join(entry.parentPath, entry.name), owner, owner)
  }
  // Last, so that a run which was cut short is done again.
  await chown(folder, owner, owner)
}
