import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import { createVerifier, type DeliveryGrant, type SigningKeySet } from '@heliograph/signing'
import Fastify from 'fastify'
import { keysCommand } from '../cli/keys.ts'
import { loadConfig, SettingsError } from '../config/index.ts'
import { requirePolicies } from '../http/policy.ts'
import { createDelivery, jwksRoutes, loadSigningKeys, openSigningKeys } from './index.ts'

const file = { object_key: 'originals/one', content_type: 'image/jpeg', filename: null }

async function setUp() {
  const folder = await mkdtemp(join(tmpdir(), 'heliograph-keys-'))
  const opened: { close(): void }[] = []
  const errors: object[] = []

  /** A process of this installation. */
  async function start(environment: Record<string, string> = {}) {
    const config = loadConfig({ DATA_DIR: folder, ...environment })
    const keys = await openSigningKeys({ config, log: { error: (fields) => errors.push(fields) } })
    opened.push(keys)
    const store = { presigner: null }
    const delivery = createDelivery({ ring: keys.ring, publicUrl: '', store, config, now: () => new Date() })
    const verifier = createVerifier(keys.ring, keys)
    return {
      keys,
      sign: () => delivery.urlOf(file),
      verify: (url: string): Promise<DeliveryGrant> => verifier.delivery(url),
    }
  }

  /** `heliograph keys …`; answers what it wrote. */
  async function run(...args: string[]): Promise<string> {
    const stdout = new PassThrough()
    const values = { all: args.includes('--all') }
    await keysCommand.run({
      args: args.filter((arg) => !arg.startsWith('--')),
      values,
      stdin: new PassThrough(),
      stdout,
      stderr: new PassThrough(),
      env: { DATA_DIR: folder },
      cwd: folder,
      signal: new AbortController().signal,
    })
    return String(stdout.read())
  }

  return {
    folder,
    path: join(folder, 'keys.json'),
    errors,
    start,
    run,
    async [Symbol.asyncDispose]() {
      for (const keys of opened) keys.close()
      await rm(folder, { recursive: true })
    },
  }
}

const kidOf = (url: string) => new URLSearchParams(url.split('?')[1]).get('kid') ?? ''
const isInvalid = { reason: 'invalid' }

describe('signing keys', () => {
  it('are made once, for everyone who starts at once, and readable by nobody else', async () => {
    await using set = await setUp()
    const dataDir = join(set.folder, 'data')
    const rings = await Promise.all(Array.from({ length: 20 }, () => loadSigningKeys(dataDir)))
    rings.push(await loadSigningKeys(dataDir))
    assert.equal(new Set(rings.map((ring) => [...ring.keys()].join())).size, 1)
    assert.deepEqual(await readdir(dataDir), ['keys.json'])
    assert.equal((await stat(join(dataDir, 'keys.json'))).mode & 0o777, 0o600)
  })

  it('are never replaced when they cannot be read', async () => {
    await using set = await setUp()
    for (const text of ['', '{}', '{"keys":[]}', '{"keys":[null]}', '{"keys":[{"kty":"oct","kid":"a","k":"AA"}]}']) {
      await writeFile(set.path, text)
      await assert.rejects(
        set.start(),
        (error) => error instanceof SettingsError && /holds no valid/.test(error.message),
      )
      assert.equal(await readFile(set.path, 'utf8'), text)
    }
  })

  it('are read again by every process, and go on when the file is broken or gone', async () => {
    await using set = await setUp()
    const server = await set.start()
    const url = await server.sign()
    const before = await readFile(set.path, 'utf8')
    for (const breakIt of [() => writeFile(set.path, '{"keys":'), () => rm(set.path)]) {
      await breakIt()
      await server.keys.refresh()
      await server.verify(url)
    }
    assert.equal(set.errors.length, 1)
    await assert.rejects(stat(set.path), { code: 'ENOENT' })
    await writeFile(set.path, before)
    await server.keys.refresh()
    await server.verify(url)
  })

  it('look at the file by themselves', async () => {
    await using set = await setUp()
    const server = await set.start()
    const url = await server.sign()
    await set.run('revoke', kidOf(url))
    const deadline = Date.now() + 5000
    while (kidOf(await server.sign()) === kidOf(url)) {
      assert.ok(Date.now() < deadline, 'the revoked key still signs after 5 s')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await assert.rejects(server.verify(url), isInvalid)
  })
})

describe('heliograph keys', () => {
  it('rotates: new keys sign at once, and what is out stays good, in a process that has not looked yet', async () => {
    await using set = await setUp()
    const [one, other] = [await set.start(), await set.start()]
    const old = await one.sign()
    await set.run('rotate')
    await one.keys.refresh()
    const fresh = await one.sign()
    assert.notEqual(kidOf(fresh), kidOf(old))
    await one.verify(old)
    const deadline = Date.now() + 5000
    // Looks for a key it does not know, ten times a second at most.
    while (
      !(await other.verify(fresh).then(
        () => true,
        () => false,
      ))
    )
      assert.ok(Date.now() < deadline)
    await other.verify(old)
    assert.match(await set.run('list'), new RegExp(`${kidOf(old)} +HMAC +verifies until `))
  })

  it('revokes: every URL of the key is refused, new ones come from a new key, and other keys go on', async () => {
    await using set = await setUp()
    const server = await set.start()
    const old = await server.sign()
    await set.run('rotate')
    await server.keys.refresh()
    const leaked = await server.sign()
    assert.match(await set.run('revoke', kidOf(leaked)), /New URLs are signed by hmac-/)
    await server.keys.refresh()
    await assert.rejects(server.verify(leaked), isInvalid)
    await server.verify(old)
    const fresh = await server.sign()
    assert.ok(![kidOf(old), kidOf(leaked)].includes(kidOf(fresh)))
    await server.verify(fresh)

    await set.run('revoke', '--all')
    await server.keys.refresh()
    for (const url of [old, leaked, fresh]) await assert.rejects(server.verify(url), isInvalid)
    await server.verify(await server.sign())
  })

  it('revokes at edges elsewhere, which read the public keys', async () => {
    await using set = await setUp()
    const api = await set.start({ DELIVERY: 'cloudflare', DELIVERY_URL: 'https://media.example' })
    const app = Fastify()
    requirePolicies(app)
    await app.register(jwksRoutes({ ring: api.keys.ring }))
    try {
      const address = await app.listen({ host: '127.0.0.1', port: 0 })
      const url = `${address}/.well-known/jwks.json`
      const edge = await set.start({ ROLES: 'edge', SIGNING_KEYS_URL: url })
      const signed = (await api.sign()).replace('https://media.example', '')
      await edge.verify(signed)
      await set.run('revoke', kidOf(signed))
      await api.keys.refresh()
      await edge.keys.refresh()
      await assert.rejects(edge.verify(signed), isInvalid)
      await edge.verify((await api.sign()).replace('https://media.example', ''))
      await assert.rejects(set.start({ SIGNING_KEYS_URL: url }), SettingsError)
    } finally {
      await app.close()
    }
    const gone = { ROLES: 'edge', SIGNING_KEYS_URL: 'http://127.0.0.1:9/' }
    await assert.rejects(
      set.start(gone),
      (error) => error instanceof SettingsError && /could not be read/.test(error.message),
    )
  })

  it('forgets retired keys, keeps the file to its owner, and lets nobody change it at the same time', async () => {
    await using set = await setUp()
    await set.start()
    const keySet: SigningKeySet = JSON.parse(await readFile(set.path, 'utf8'))
    const over = { keys: keySet.keys.map((key) => ({ ...key, useUntil: 1 })) }
    await writeFile(set.path, JSON.stringify(over))
    await chmod(set.path, 0o644)
    const results = await Promise.allSettled([set.run('rotate'), set.run('rotate')])
    const refused = results.filter((result) => result.status === 'rejected')
    for (const { reason } of refused) assert.match(String(reason), /being changed by another command/)
    const { keys }: SigningKeySet = JSON.parse(await readFile(set.path, 'utf8'))
    assert.equal(keys.filter(({ useUntil }) => useUntil === undefined).length, 2)
    assert.ok(keys.every(({ kid }) => !keySet.keys.some((old) => old.kid === kid)))
    assert.equal((await stat(set.path)).mode & 0o777, 0o600)
    assert.deepEqual(await readdir(set.folder), ['keys.json'])
  })

  it('says what is wrong in a sentence', async () => {
    await using set = await setUp()
    await assert.rejects(set.run('revoke', 'nope'), { name: 'CommandError', message: 'There is no key nope.' })
    await assert.rejects(set.run('revoke'), { name: 'UsageError' })
    await assert.rejects(set.run('remove'), { name: 'UsageError' })
  })
})
