/**
 * `keys.json`: the one file that must never be half-written, seen by others, or changed by two at once. It is written
 * beside itself and moved into place, whole and on disk; a change holds a lock file while it reads and writes.
 */
import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readFile, rename, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseKeySet, type SigningKeySet } from '@heliograph/signing'

export function keyFilePath(dataDir: string): string {
  return join(dataDir, 'keys.json')
}

/**
 * Makes the file when there is none. Two processes may start at once on a new folder: both make keys, one of them
 * publishes its file, both use that one.
 */
export async function ensureKeyFile(path: string, create: () => Promise<SigningKeySet>): Promise<void> {
  if (await isThere(path)) return
  await mkdir(dirname(path), { recursive: true })
  const temporary = await writeBeside(path, await create())
  try {
    // A link never replaces what is there, and the name only ever shows a whole file.
    await link(temporary, path)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  } finally {
    await unlink(temporary)
  }
  await syncFolder(dirname(path))
}

/** Throws when it is gone or holds no keys: neither is how keys are revoked. */
export async function readKeyFile(path: string): Promise<SigningKeySet> {
  const keySet = parseKeySet(await readFile(path, 'utf8'))
  if (keySet.keys.length === 0) throw new TypeError('The list of keys is empty')
  return keySet
}

/** Another process is changing the file, or one that was killed left its lock. */
export class KeyFileBusy extends Error {
  constructor(lock: string) {
    super(`The keys are being changed by another command. If there is none, delete ${lock} and try again.`)
    this.name = 'KeyFileBusy'
  }
}

/** Reads, changes and replaces the file. Throws `KeyFileBusy`, and whatever `change` throws, with the file as it was. */
export async function changeKeyFile(
  path: string,
  change: (keys: SigningKeySet) => Promise<SigningKeySet>,
): Promise<void> {
  const lock = `${path}.lock`
  const held = await open(lock, 'wx', 0o600).catch((error: unknown) => {
    throw hasCode(error, 'EEXIST') ? new KeyFileBusy(lock) : error
  })
  try {
    const changed = await change(await readKeyFile(path))
    const temporary = await writeBeside(path, changed, await stat(path))
    await rename(temporary, path)
    await syncFolder(dirname(path))
  } finally {
    await held.close()
    await unlink(lock)
  }
}

/** @param owner as the file has it now: written by root, it must stay readable for the server. */
async function writeBeside(path: string, keys: SigningKeySet, owner?: { uid: number; gid: number }): Promise<string> {
  const temporary = `${path}.${randomUUID()}`
  const file = await open(temporary, 'wx', 0o600)
  try {
    await file.writeFile(`${JSON.stringify(keys, null, 2)}\n`)
    if (owner !== undefined && owner.uid !== process.getuid?.()) await file.chown(owner.uid, owner.gid)
    await file.sync()
  } catch (error) {
    await unlink(temporary)
    throw error
  } finally {
    await file.close()
  }
  return temporary
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
