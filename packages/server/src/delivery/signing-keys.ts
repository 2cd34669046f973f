/**
 * The signing keys of this installation, in `keys.json` of the data folder: an HMAC key for the built-in edge, which is
 * trusted and busy, and an Ed25519 key for edges elsewhere that may verify and not sign. Losing the file makes every URL
 * that is out invalid, and no more: new ones are signed with new keys.
 *
 * Two processes may start at once on a new folder: both make keys, one of them publishes its file, both use that one.
 */
import { createHmac, randomUUID } from 'node:crypto'
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { createKeyRing, generateKeySet, type HmacSha256, type KeyRing, type SigningKeySet } from '@heliograph/signing'

const hmacSha256: HmacSha256 = (secret, data) => createHmac('sha256', secret).update(data).digest()

/** Reads the keys, or makes them on the first start. Throws when the file is there and is no key set. */
export async function loadSigningKeys(dataDir: string): Promise<KeyRing> {
  const path = join(dataDir, 'keys.json')
  const text = (await readIfThere(path)) ?? (await createKeyFile(dataDir, path))
  try {
    return await createKeyRing(parseKeySet(text), { hmacSha256 })
  } catch (cause) {
    throw new Error(`${path} holds no valid signing keys. Restore it, or move it away to have new ones made.`, {
      cause,
    })
  }
}

async function createKeyFile(dataDir: string, path: string): Promise<string> {
  await mkdir(dataDir, { recursive: true })
  const temporary = join(dataDir, `keys.json.${randomUUID()}`)
  const file = await open(temporary, 'wx', 0o600)
  try {
    await file.writeFile(`${JSON.stringify(await generateKeySet(), null, 2)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  try {
    // A link never replaces what is there, and the name only ever shows a whole file.
    await link(temporary, path)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  } finally {
    await unlink(temporary)
  }
  await syncFolder(dataDir)
  return readFile(path, 'utf8')
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  }
}

function parseKeySet(text: string): SigningKeySet {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null || !('keys' in value) || !Array.isArray(value.keys)) {
    throw new TypeError('There is no list of keys')
  }
  if (value.keys.length === 0) throw new TypeError('The list of keys is empty')
  return { keys: value.keys }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
