/**
 * Every setting of the program: its name in the environment, what it means, its default and how it is read. This list is
 * what `heliograph config` prints and the only place that knows the names. Nothing else reads the environment.
 */
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'

export interface Setting<T> {
  name: string
  meaning: string
  /** The default as a person would type it; null when it is derived or absent. */
  default: string | null
  parse(text: string): T
  /** True when the value must not be printed. */
  secret?: boolean
}

/** The settings cannot be used as they are; the message says to a person what to change. */
export class SettingsError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SettingsError'
  }
}

/** The value is not what the setting allows; the message says what is. */
export class InvalidSetting extends SettingsError {
  constructor(name: string, text: string, expected: string) {
    super(`${name} is "${text}", but must be ${expected}.`)
    this.name = 'InvalidSetting'
  }
}

const units: Record<string, number> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 }

const text = (name: string, meaning: string, fallback: string): Setting<string> => ({
  name,
  meaning,
  default: fallback,
  parse: (value) => value,
})

/** A setting that may be absent. */
const optional = (setting: Setting<string>): Setting<string | null> => ({ ...setting, default: null })

const secret = <T>(setting: Setting<T>): Setting<T> => ({ ...setting, secret: true })

const integer = (name: string, meaning: string, fallback: number, min: number, max: number): Setting<number> => ({
  name,
  meaning,
  default: String(fallback),
  parse(value) {
    const number = Number(value)
    if (!Number.isInteger(number) || number < min || number > max) {
      throw new InvalidSetting(name, value, `a whole number from ${min} to ${max}`)
    }
    return number
  },
})

const bytes = (name: string, meaning: string, fallback: string): Setting<number> => ({
  name,
  meaning,
  default: fallback,
  parse(value) {
    const match = /^(\d+)\s*([kmgt]?)i?b?$/i.exec(value)
    const number = Number(match?.[1]) * (units[(match?.[2] ?? '').toLowerCase()] ?? Number.NaN)
    if (!Number.isSafeInteger(number)) throw new InvalidSetting(name, value, 'bytes, such as 500M, 20G or 1T')
    return number
  },
})

const choice = <const T extends string>(name: string, meaning: string, fallback: T, all: readonly T[]): Setting<T> => ({
  name,
  meaning,
  default: fallback,
  parse(value) {
    const found = all.find((one) => one === value)
    if (found === undefined) throw new InvalidSetting(name, value, `one of ${all.join(', ')}`)
    return found
  },
})

const list = (name: string, meaning: string, fallback: string): Setting<string[]> => ({
  name,
  meaning,
  default: fallback,
  parse: (value) =>
    value
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
})

const url = (name: string, meaning: string, protocols: string[]): Setting<string | null> => ({
  name,
  meaning,
  default: null,
  parse(value) {
    if (!URL.canParse(value) || !protocols.includes(new URL(value).protocol)) {
      throw new InvalidSetting(name, value, `a URL that starts with ${protocols.join(' or ')}`)
    }
    return value.replace(/\/$/, '')
  },
})

export const roles = ['api', 'edge', 'worker'] as const
export type Role = (typeof roles)[number]

/** In the order a person meets them. */
export const settings = {
  port: integer('PORT', 'Port of the api and the edge', 8080, 0, 65_535),
  host: text('HOST', 'Address to listen on; 0.0.0.0 for every network', '127.0.0.1'),
  dataDir: {
    ...text('DATA_DIR', 'Folder of the embedded database, the files and the signing keys', './data'),
    parse: (value: string) => resolve(value),
  },
  publicUrl: url('PUBLIC_URL', 'The address people reach this server under; http://HOST:PORT when absent', [
    'http:',
    'https:',
  ]),
  databaseUrl: secret(
    url('DATABASE_URL', 'A Postgres 15 or later; an embedded one in DATA_DIR when absent', [
      'postgres:',
      'postgresql:',
    ]),
  ),
  objectStoreUrl: secret(
    url(
      'OBJECT_STORE_URL',
      'Where files are kept: file:/folder or s3://KEY:SECRET@bucket?endpoint=https://…&region=…; DATA_DIR/files when absent',
      ['file:', 's3:'],
    ),
  ),
  redisUrl: secret(
    url('REDIS_URL', 'Redis or Valkey for feeds; not used yet, Postgres answers', ['redis:', 'rediss:']),
  ),
  delivery: choice(
    'DELIVERY',
    'Who serves the bytes of files: the built-in edge, the store by presigned URLs (s3), a CloudFront distribution, or the Cloudflare Worker of deploy/cloudflare',
    'edge',
    ['edge', 's3', 'cloudfront', 'cloudflare'],
  ),
  deliveryUrl: url(
    'DELIVERY_URL',
    'The address files are served under: of the distribution or the Worker; PUBLIC_URL when absent and the edge serves',
    ['http:', 'https:'],
  ),
  deliveryAlgorithm: choice(
    'DELIVERY_ALGORITHM',
    'How URLs for the Cloudflare Worker are signed: ed25519 (it needs only public keys), or hmac (it holds the secret; cheaper)',
    'ed25519',
    ['ed25519', 'hmac'],
  ),
  cloudfrontKeyPairId: optional(
    text('CLOUDFRONT_KEY_PAIR_ID', 'Id of the public key in the key group of the distribution', ''),
  ),
  cloudfrontPrivateKeyFile: optional(
    text('CLOUDFRONT_PRIVATE_KEY_FILE', 'File with its private key as PEM: RSA 2048, or ECDSA P-256', ''),
  ),
  signingKeysUrl: url(
    'SIGNING_KEYS_URL',
    'For an edge elsewhere (ROLES=edge): the /.well-known/jwks.json whose keys it trusts; DATA_DIR/keys.json when absent',
    ['http:', 'https:'],
  ),
  roles: { ...list('ROLES', 'What this process does: api, edge, worker', roles.join(',')), parse: parseRoles },
  web: choice('WEB', 'Whether the api also serves the site; off for an api alone', 'on', ['on', 'off']),
  edgeUrls: list(
    'EDGE_URLS',
    'Further edges as name=https://…, best first; each is offered for uploads after the main one',
    '',
  ),
  corsOrigins: list('CORS_ORIGINS', 'Web origins besides PUBLIC_URL that may call api and edge from a browser', ''),
  trustedProxies: list(
    'TRUSTED_PROXIES',
    'Addresses or networks (CIDR) of proxies whose X-Forwarded-For is believed',
    '',
  ),
  registration: choice('REGISTRATION', 'Whether anyone may register; the first account always can', 'open', [
    'open',
    'closed',
  ]),
  storageLimit: bytes('STORAGE_LIMIT', 'Storage of a new account', '1T'),
  maxFileSize: bytes('MAX_FILE_SIZE', 'Largest single file', '50G'),
  uploadLifetime: integer('UPLOAD_LIFETIME', 'Seconds an upload may take before it is cleared', 86_400, 60, 2_592_000),
  grantLifetime: integer('GRANT_LIFETIME', 'Seconds a URL to put bytes stays valid', 3_600, 60, 604_800),
  deliveryBucket: integer(
    'DELIVERY_BUCKET',
    'Seconds within which the URL of a file stays the same; it is valid for at least this long',
    3_600,
    60,
    604_800,
  ),
  trashDays: integer('TRASH_DAYS', 'Days until what is in the trash is removed', 30, 0, 3_650),
  sessionDays: integer('SESSION_DAYS', 'Days a session lasts', 30, 1, 3_650),
  maxStreams: integer(
    'MAX_STREAMS',
    'Bodies this process receives at once; more are told to come back (503)',
    2_000,
    1,
    100_000,
  ),
  maxDownloads: integer(
    'MAX_DOWNLOADS',
    'Files this process sends at once; more are told to come back (503)',
    5_000,
    1,
    100_000,
  ),
  edgeCacheSize: bytes('EDGE_CACHE_SIZE', 'Bytes of an S3 store that the edge keeps on its disk; 0 for none', '10G'),
  edgeCacheDir: {
    ...optional(text('EDGE_CACHE_DIR', 'Where it keeps them; DATA_DIR/cache when absent', '')),
    parse: (value: string): string | null => resolve(value),
  },
  edgeCacheMaxAge: integer(
    'EDGE_CACHE_MAX_AGE',
    'Seconds an edge sends a file from its disk before it asks the store again whether it is still there',
    30,
    0,
    86_400,
  ),
  accelRedirect: {
    ...optional(
      text(
        'ACCEL_REDIRECT',
        'Internal location of an nginx in front, such as /_files, that sends files itself; needs TRUSTED_PROXIES',
        '',
      ),
    ),
    parse: parseLocation,
  },
  jwtIssuers: {
    ...text(
      'JWT_ISSUERS',
      'JSON list of external issuers: [{"issuer","audience","jwksUrl","algorithms","claims":{"role","email","name","handle","scope"},"administratorValues","types"}]; claims are paths such as $.realm.roles',
      '[]',
    ),
    parse: parseJson,
  },
  opsPort: integer('OPS_PORT', 'Port of the metrics', 9464, 0, 65_535),
  opsHost: text('OPS_HOST', 'Address of the metrics', '127.0.0.1'),
  databasePool: integer(
    'DATABASE_POOL',
    'Connections to the database of this process, of which a worker keeps seven',
    20,
    2,
    1_000,
  ),
  searchPath: text('PATH', 'Folders in which a worker looks for ffmpeg', ''),
  workerConcurrency: integer('WORKER_CONCURRENCY', 'Light jobs a worker runs at once', 4, 1, 256),
  imageConcurrency: integer(
    'IMAGE_CONCURRENCY',
    'Images a worker decodes at once for people who wait, and as many again in bulk; each may take 1.5 GB at worst',
    availableParallelism(),
    1,
    256,
  ),
  videoConcurrency: integer(
    'VIDEO_CONCURRENCY',
    'Videos a worker converts at once for people who wait, and as many again in bulk; each uses several cores',
    1,
    1,
    64,
  ),
  avif: choice('AVIF', 'Whether images are also made as AVIF, a third smaller at several times the work', 'off', [
    'off',
    'on',
  ]),
  drainDelay: integer(
    'DRAIN_DELAY',
    'Seconds between answering "not ready" and closing, at least one probe period of the load balancer',
    0,
    0,
    300,
  ),
  drainTimeout: integer('DRAIN_TIMEOUT', 'Seconds that running requests and jobs get to finish', 30, 1, 3_600),
  logLevel: choice('LOG_LEVEL', 'How much is logged', 'warn', ['silent', 'error', 'warn', 'info', 'debug']),
  faultPoint: optional(
    text('HELIOGRAPH_FAULT_POINT', 'For crash tests only: the point at which the process kills itself', ''),
  ),
}

export type Settings = typeof settings

type ValueOf<S> = S extends Setting<infer T> ? T : never

function parseRoles(value: string): Role[] {
  return value.split(',').map((one) => {
    const role = roles.find((known) => known === one.trim())
    if (role === undefined) throw new InvalidSetting('ROLES', value, `a list of ${roles.join(', ')}`)
    return role
  })
}

/** Plain, so that it means the same in a header and in nginx's configuration. */
function parseLocation(value: string): string | null {
  if (/^(?:\/[a-z0-9_-]+)+\/?$/i.test(value)) return value
  throw new InvalidSetting('ACCEL_REDIRECT', value, 'a path of letters, digits, - and _ such as /_files')
}

function parseJson(value: string): unknown {
  try {
    return JSON.parse(value)
  } catch {
    throw new InvalidSetting('JWT_ISSUERS', value, 'JSON')
  }
}

/** The settings of one process, validated. Null where a setting is absent and the program decides. */
export type Config = { [K in keyof Settings]: ValueOf<Settings[K]> }

export type Environment = Record<string, string | undefined>

/** Throws `InvalidSetting` for the first value that is not allowed. */
export function loadConfig(environment: Environment): Config {
  const values: Record<string, unknown> = {}
  for (const [key, setting] of Object.entries(settings)) {
    const given = environment[setting.name]
    const value = given === undefined || given === '' ? setting.default : given
    values[key] = value === null ? null : setting.parse(value)
  }
  return values as Config
}

export interface SettingDescription {
  name: string
  meaning: string
  source: 'environment' | 'default'
  value: string
}

/** What `heliograph config` prints: secrets hidden, derived values named. */
export function describeConfig(environment: Environment): SettingDescription[] {
  return Object.values(settings).map((setting) => {
    const given = environment[setting.name]
    const isGiven = given !== undefined && given !== ''
    const value = isGiven ? given : (setting.default ?? '')
    return {
      name: setting.name,
      meaning: setting.meaning,
      source: isGiven ? 'environment' : 'default',
      value: isGiven && setting.secret === true ? hideCredentials(value) : value,
    }
  })
}

function hideCredentials(value: string): string {
  return value.replace(/\/\/[^@/]*@/, '//…@').replace(/([?&](?:secret|password|token)[^=]*=)[^&]*/gi, '$1…')
}
