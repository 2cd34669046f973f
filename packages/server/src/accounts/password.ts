/**
 * Passwords, kept as argon2id (RFC 9106) in PHC string format with the parameters OWASP asks for. Hashing runs in the
 * thread pool that file I/O also uses, so at most two run at once and only so many wait; who comes later is told to come
 * back. Verifying takes the same time whether the account exists or not.
 */
import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { problems } from '../problem.ts'

const argon2Async = promisify(argon2)

/** OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane. */
const parameters = { memory: 19_456, passes: 2, parallelism: 1 }
const saltLength = 16
const tagLength = 32

/** NIST SP 800-63B: a minimum length in characters and no rules of composition. */
const shortestOfAccounts = 8
/** UTF-8 bytes, so that hashing stays cheap to ask for. */
const maxBytes = 1_024

export interface PasswordOptions {
  /** Hashes that run at once; the thread pool has four threads unless told otherwise. */
  concurrency?: number
  /** Hashes that may wait; more are refused with 503. Two hundred take about four seconds. */
  maxWaiting?: number
}

export interface Passwords {
  /**
   * PHC string. Throws `invalid-request` for a password that may not be chosen, 503 when too many wait.
   * @param shortest characters it must have; 8 when absent.
   */
  hash(password: string, shortest?: number): Promise<string>
  /** `stored` is null when there is nothing to compare with; that takes as long, and is false. */
  verify(password: string, stored: string | null): Promise<boolean>
}

export function createPasswords({ concurrency = 2, maxWaiting = 200 }: PasswordOptions = {}): Passwords {
  // Nobody knows the password of this hash, as its tag is random.
  const decoy = formatPhc({ ...parameters, salt: randomBytes(saltLength), tag: randomBytes(tagLength) })
  const enter = createGate(concurrency, maxWaiting)

  return {
    async hash(password, shortest = shortestOfAccounts) {
      const message = acceptable(password, shortest)
      const salt = randomBytes(saltLength)
      const leave = await enter()
      try {
        const tag = await derive(message, { ...parameters, salt, tag: Buffer.alloc(tagLength) })
        return formatPhc({ ...parameters, salt, tag })
      } finally {
        leave()
      }
    },

    async verify(password, stored) {
      const expected = parsePhc(stored ?? decoy)
      const leave = await enter()
      try {
        const tag = await derive(password.normalize('NFKC'), expected)
        return timingSafeEqual(tag, expected.tag)
      } finally {
        leave()
      }
    },
  }
}

/** The same password typed on another keyboard is the same (NIST SP 800-63B section 5.1.1.2: NFKC). */
function acceptable(password: string, shortest: number): string {
  const normalized = password.normalize('NFKC')
  const refuse = (message: string) =>
    problems.invalidRequest('The password cannot be used.', { errors: [{ path: '/password', message }] })
  if (!normalized.isWellFormed()) throw refuse('must be valid Unicode')
  if ([...normalized].length < shortest) throw refuse(`must have at least ${shortest} characters`)
  if (Buffer.byteLength(normalized) > maxBytes) throw refuse(`must have at most ${maxBytes} bytes`)
  return normalized
}

interface Argon2Hash {
  /** KiB. */
  memory: number
  passes: number
  parallelism: number
  salt: Buffer
  tag: Buffer
}

function derive(message: string, hash: Argon2Hash): Promise<Buffer> {
  const options: Argon2Parameters = {
    message,
    nonce: hash.salt,
    memory: hash.memory,
    passes: hash.passes,
    parallelism: hash.parallelism,
    tagLength: hash.tag.length,
  }
  return argon2Async('argon2id', options)
}

const phcFormat =
  /^\$argon2id\$v=19\$m=([1-9]\d{0,6}),t=([1-9]\d{0,2}),p=([1-9]\d{0,1})\$([A-Za-z0-9+/]{22,86})\$([A-Za-z0-9+/]{43,86})$/

/** The PHC string format: base64 without padding, parameters in this order. */
export function formatPhc({ memory, passes, parallelism, salt, tag }: Argon2Hash): string {
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(tag)}`
}

/** Throws for anything `formatPhc` would not have written: a row that was tampered with is no way in. */
export function parsePhc(text: string): Argon2Hash {
  const [, memory, passes, parallelism, salt, tag] = phcFormat.exec(text) ?? []
  const hash = {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    salt: Buffer.from(salt ?? '', 'base64'),
    tag: Buffer.from(tag ?? '', 'base64'),
  }
  if (tag === undefined || formatPhc(hash) !== text)
    throw new Error('A stored password hash is not argon2id in PHC format')
  return hash
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}

/** Lets `concurrency` in and `maxWaiting` queue, first come first served; the result lets the next one in. */
function createGate(concurrency: number, maxWaiting: number): () => Promise<() => void> {
  const waiting: (() => void)[] = []
  let running = 0
  const leave = () => {
    const next = waiting.shift()
    // The place is handed over, so that nobody can slip in between.
    if (next === undefined) running -= 1
    else next()
  }
  return async () => {
    if (running < concurrency) {
      running += 1
      return leave
    }
    if (waiting.length >= maxWaiting) {
      throw problems.unavailable('Too many people sign in right now.', { retryAfter: 2 })
    }
    await new Promise<void>((resolve) => waiting.push(resolve))
    return leave
  }
}
