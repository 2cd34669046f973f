/**
 * `heliograph keys`: sees and changes the keys that sign URLs, in the key file of DATA_DIR. Servers that use the file see
 * a change within a second, edges that read the public keys within a minute; nothing is restarted.
 */
import { generateKeySet } from '@heliograph/signing'
import { type Config, loadConfig } from '../config/index.ts'
import {
  changeKeyFile,
  describeKeys,
  ensureKeyFile,
  type KeyDescription,
  KeyFileBusy,
  keyFilePath,
  readKeyFile,
  revokeKeys,
  rotateKeys,
} from '../delivery/index.ts'
import { longestPlay } from '../renditions/index.ts'
import { type Command, type CommandContext, CommandError, UsageError } from './command.ts'

export const keysCommand: Command = {
  name: 'keys',
  summary: 'List the keys that sign URLs, replace them, or revoke one with every URL it signed',
  usage: 'keys list [--json] | rotate | revoke <key id>… | revoke --all',
  options: {
    all: { type: 'boolean', meaning: 'Revoke every key: no URL that is out works any more' },
    json: { type: 'boolean', meaning: 'For programs' },
  },
  async run(context) {
    const config = loadConfig(context.env)
    const [action = 'list', ...kids] = context.args
    if (action === 'list' && kids.length === 0) return list(context, config)
    if (action === 'rotate' && kids.length === 0) return rotate(context, config)
    if (action === 'revoke') return revoke(context, config, kids)
    throw new UsageError(`"${context.args.join(' ')}" is none of list, rotate and revoke.`)
  },
}

async function list({ stdout, values }: CommandContext, { dataDir }: Config): Promise<number> {
  const keys = describeKeys(await readKeyFile(await keyFile(dataDir)), unixNow())
  if (values.json === true) {
    stdout.write(`${JSON.stringify(keys, null, 2)}\n`)
    return 0
  }
  const width = Math.max(...keys.map(({ kid }) => kid.length))
  for (const key of keys) stdout.write(`${key.kid.padEnd(width)}  ${key.algorithm.padEnd(7)}  ${stateOf(key)}\n`)
  return 0
}

async function rotate({ stdout }: CommandContext, config: Config): Promise<number> {
  const path = await keyFile(config.dataDir)
  const now = unixNow()
  const retireAt = now + longestLife(config)
  await change(path, (keys) => rotateKeys(keys, now, retireAt))
  stdout.write(`New keys sign from now on: ${(await signingNow(path)).join(', ')}.\n`)
  stdout.write(`URLs that are out stay good; what signed them is over at ${new Date(retireAt * 1000).toISOString()}.\n`)
  return 0
}

async function revoke({ stdout, values }: CommandContext, config: Config, kids: string[]): Promise<number> {
  const isAll = values.all === true
  if (isAll === kids.length > 0) throw new UsageError('Name the keys to revoke, or all of them by --all.')
  const path = await keyFile(config.dataDir)
  await change(path, (keys) => revokeKeys(keys, isAll ? keys.keys.map(({ kid }) => kid) : kids))
  stdout.write(`Revoked ${isAll ? 'every key' : kids.join(', ')}: every URL so signed is refused, within a second by servers that use
${path}, within a minute by edges that read the public keys.
New URLs are signed by ${(await signingNow(path)).join(', ')}.
An edge or Worker that was given a copy of a secret must be given the new one. Presigned S3 and CloudFront URLs have keys
of their own.
`)
  return 0
}

/** As long as a URL signed now may be good: two buckets of delivery, of which those for playing are longer, or an upload. */
function longestLife({ deliveryBucket, grantLifetime }: Config): number {
  return Math.max(2 * deliveryBucket, 2 * longestPlay, grantLifetime)
}

async function keyFile(dataDir: string): Promise<string> {
  const path = keyFilePath(dataDir)
  await ensureKeyFile(path, generateKeySet)
  return path
}

async function change(...args: Parameters<typeof changeKeyFile>): Promise<void> {
  try {
    await changeKeyFile(...args)
  } catch (error) {
    if (error instanceof KeyFileBusy || error instanceof TypeError)
      throw new CommandError(`${error.message}.`.replace(/\.\.$/, '.'))
    throw error
  }
}

async function signingNow(path: string): Promise<string[]> {
  const keys = describeKeys(await readKeyFile(path), unixNow())
  return keys.filter(({ state }) => state === 'signing').map(({ kid }) => kid)
}

function stateOf({ state, useUntil }: KeyDescription): string {
  if (useUntil === null) return state
  const until = new Date(useUntil * 1000).toISOString()
  return state === 'retiring' ? `verifies until ${until}` : `over since ${until}`
}

function unixNow(): number {
  return Math.floor(Date.now() / 1000)
}
