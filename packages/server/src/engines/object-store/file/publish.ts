/**
 * Gives a finished temporary file its final name, at once and only when the name is free. `link(2)` does exactly that.
 * Where the file system has no hard links a short-lived claim (a folder, made atomically) stands in for it.
 */
import { createHash } from 'node:crypto'
import { link, lstat, mkdir, rename, rmdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ObjectStoreError } from '../object-store.ts'
import { hasCode, isMissing } from './errors.ts'
import { createFolderSync, type Folders, type Layout } from './layout.ts'

/** A claim is held for the length of a `stat` and a `rename`; older ones belong to a process that died, milliseconds. */
const claimLifetime = 60_000

/** How often the folder may vanish under us, because a deletion emptied it, before that counts as an error. */
const attempts = 5

/** The name `path` for the file `temporary`, durable on return. `temporary` may or may not remain. Throws `EEXIST`. */
export type Publish = (temporary: string, path: string) => Promise<void>

/** `hardLinks` false takes the other way at once; otherwise it is taken when the file system refuses a link. */
export function createPublish(layout: Layout, folders: Folders, hardLinks: boolean): Publish {
  const sync = createFolderSync()

  return async (temporary, path) => {
    for (let attempt = 1; ; attempt += 1) {
      await folders.ensureFor(path)
      try {
        if (hardLinks) await linkOrClaim(temporary, path)
        else await claimAndRename(temporary, path)
        break
      } catch (error) {
        if (!hasCode(error, 'ENOENT') || attempt === attempts) throw error
      }
    }
    await sync(dirname(path))
  }

  async function linkOrClaim(temporary: string, path: string): Promise<void> {
    try {
      await link(temporary, path)
    } catch (error) {
      if (!hasCode(error, 'EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK')) throw error
      await claimAndRename(temporary, path)
    }
  }

  async function claimAndRename(temporary: string, path: string): Promise<void> {
    const claim = join(layout.tmp, `claim-${createHash('sha256').update(path).digest('hex').slice(0, 32)}`)
    await take(claim)
    try {
      if (await isThere(path)) throw new ObjectStoreError('exists', 'The key is taken')
      await rename(temporary, path)
    } finally {
      await rmdir(claim)
    }
  }
}

async function take(claim: string): Promise<void> {
  try {
    await mkdir(claim)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
    const age = Date.now() - (await stat(claim)).mtimeMs
    if (age < claimLifetime) throw new ObjectStoreError('unavailable', 'The key is being written right now', error)
    await rmdir(claim)
    await mkdir(claim)
  }
}

/** Whether anything has this name. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}
