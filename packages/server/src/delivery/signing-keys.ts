/**
 * The signing keys of this installation, in `keys.json` of the data folder: an HMAC key for the built-in edge, which is
 * trusted and busy, and an Ed25519 key for edges elsewhere that may verify and not sign. Losing the file makes every URL
 * that is out invalid, and no more: new ones are signed with new keys.
 *
 * Every process looks at its source again and again, so that a key that was revoked is refused soon and without a restart:
 * the file each second, the public keys of another server each half minute.
 */
import { createHmac, createSecretKey } from 'node:crypto'
import {
  type FollowedKeys,
  followKeys,
  followRemoteKeys,
  generateKeySet,
  type HmacSha256,
  type KeyRing,
} from '@heliograph/signing'
import { type Config, SettingsError } from '../config/index.ts'
import { ensureKeyFile, keyFilePath, readKeyFile } from './key-file.ts'

const hmacSha256: HmacSha256 = (secret) => {
  const key = createSecretKey(secret)
  return (data) => createHmac('sha256', key).update(data).digest()
}

/** Seconds between two looks, and the fewest between a look and one for a key that is not known. */
const lookAt = { file: { every: 1, atMost: 0.1 }, url: { every: 30, atMost: 5 } }

export interface SigningKeys {
  /** Changes as the source does. */
  ring: KeyRing
  /** For `createVerifier`: a new key may have been used before the next look. */
  onUnknownKey(): Promise<void>
  /** Looks now, and is done when it has looked. */
  refresh(): Promise<void>
  close(): void
}

export interface SigningKeysOptions {
  config: Pick<Config, 'dataDir' | 'signingKeysUrl' | 'roles'>
  log: { error(fields: object, message: string): void }
}

/** Throws when the file is there and is no key set, or when the keys of another server cannot be had. */
export async function openSigningKeys({ config, log }: SigningKeysOptions): Promise<SigningKeys> {
  const { keys, every, atMost } = await open(config, (error) =>
    log.error({ err: error }, 'the signing keys could not be read again; those known go on'),
  )
  const look = () =>
    keys.refresh(every / 2).catch((error: unknown) => {
      log.error({ err: error }, 'no signing keys can be trusted any more: every signed URL is refused')
    })
  const timer = setInterval(() => void look(), every * 1000)
  timer.unref()
  return {
    ring: keys.ring,
    onUnknownKey: () => keys.refresh(atMost),
    refresh: () => keys.refresh(),
    close: () => clearInterval(timer),
  }
}

/** The keys of the data folder as they are now, for what does not run long. */
export async function loadSigningKeys(dataDir: string): Promise<KeyRing> {
  const { keys } = await openFile(dataDir)
  return keys.ring
}

type Opened = { keys: FollowedKeys; every: number; atMost: number }

async function open(
  { dataDir, signingKeysUrl: url, roles }: SigningKeysOptions['config'],
  onError: (error: unknown) => void,
) {
  if (url === null) return openFile(dataDir, onError)
  if (roles.some((role) => role !== 'edge')) {
    throw new SettingsError('SIGNING_KEYS_URL is for a process with ROLES=edge: public keys verify, and cannot sign.')
  }
  const keys = followRemoteKeys({ url, onError })
  await keys.refresh().catch((cause: unknown) => {
    throw new SettingsError(`The public keys of SIGNING_KEYS_URL could not be read: ${String(cause)}`, { cause })
  })
  return { keys, ...lookAt.url }
}

async function openFile(dataDir: string, onError?: (error: unknown) => void): Promise<Opened> {
  const path = keyFilePath(dataDir)
  await ensureKeyFile(path, generateKeySet)
  const keys = followKeys({
    read: async () => JSON.stringify(await readKeyFile(path)),
    hmacSha256,
    ...(onError === undefined ? {} : { onError }),
  })
  await keys.refresh().catch((cause: unknown) => {
    throw new SettingsError(`${path} holds no valid signing keys. Restore it, or move it away to have new ones made.`, {
      cause,
    })
  })
  return { keys, ...lookAt.file }
}
