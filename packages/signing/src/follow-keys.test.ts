import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { describe, it } from 'node:test'
import {
  createKeyRing,
  createSigner,
  createVerifier,
  followKeys,
  followRemoteKeys,
  generateKeySet,
  publicJwks,
  SignatureError,
} from './index.ts'

const grant = { key: 'a', type: 'image/jpeg', disposition: 'inline', filename: null, expires: 4e9 } as const
const isInvalid = (error: unknown) => error instanceof SignatureError && error.reason === 'invalid'

async function setUp({ staleFor }: { staleFor?: number } = {}) {
  const old = await generateKeySet()
  const fresh = await generateKeySet()
  const source = { text: JSON.stringify(old), reads: 0, isDown: false }
  const clock = { time: 0 }
  const errors: unknown[] = []
  const keys = followKeys({
    async read() {
      source.reads += 1
      if (source.isDown) throw new Error('down')
      return source.text
    },
    now: () => clock.time,
    onError: (error) => errors.push(error),
    ...(staleFor === undefined ? {} : { staleFor }),
  })
  await keys.refresh()
  const verifier = createVerifier(keys.ring, { onUnknownKey: () => keys.refresh(1) })
  return { old, fresh, source, clock, errors, keys, verifier }
}

describe('followed keys', () => {
  it('refuse what a revoked key signed from the next look on, also what was verified before', async () => {
    const { fresh, source, keys, verifier } = await setUp()
    const url = await createSigner(keys.ring).delivery('', grant)
    await verifier.delivery(url)
    source.text = JSON.stringify(fresh)
    await keys.refresh()
    await assert.rejects(verifier.delivery(url), isInvalid)
    await verifier.delivery(await createSigner(keys.ring).delivery('', grant))
  })

  it('do not take another key for the one of the same name', async () => {
    const { old, fresh, source, keys, verifier } = await setUp()
    const url = await createSigner(keys.ring).delivery('', grant)
    await verifier.delivery(url)
    source.text = JSON.stringify({ keys: fresh.keys.map((key, index) => ({ ...key, kid: old.keys[index]?.kid })) })
    await keys.refresh()
    await assert.rejects(verifier.delivery(url), isInvalid)
  })

  it('are looked at again for a key that is not known, and not for every forgery', async () => {
    const { fresh, source, clock, verifier } = await setUp()
    const url = await createSigner(await createKeyRing(fresh)).delivery('', grant)
    await assert.rejects(verifier.delivery(url), isInvalid)
    await assert.rejects(verifier.delivery(url), isInvalid)
    assert.equal(source.reads, 1)
    source.text = JSON.stringify(fresh)
    clock.time += 1
    await verifier.delivery(url)
    assert.equal(source.reads, 2)
  })

  it('go on when the source is down or not a key set, and say so, until they are too old to be trusted', async () => {
    const { source, clock, errors, keys, verifier } = await setUp({ staleFor: 60 })
    const url = await createSigner(keys.ring).delivery('', grant)
    for (const text of ['', '{}', '{"keys":[{"kid":"x"}]}']) {
      source.text = text
      await keys.refresh()
    }
    source.isDown = true
    clock.time = 60
    await keys.refresh()
    assert.equal(errors.length, 1)
    await verifier.delivery(url)
    clock.time = 61
    await assert.rejects(keys.refresh(), /down/)
    await assert.rejects(createVerifier(keys.ring).delivery(url), isInvalid)
  })

  it('are those of the later look, when an earlier one answers last', async () => {
    const [old, fresh] = [await generateKeySet(), await generateKeySet()]
    const answers: ((text: string) => void)[] = []
    const keys = followKeys({ read: () => new Promise((resolve) => answers.push(resolve)) })
    const looks = [keys.refresh(), keys.refresh()]
    answers[1]?.(JSON.stringify(fresh))
    await looks[1]
    answers[0]?.(JSON.stringify(old))
    await looks[0]
    assert.deepEqual(
      [...keys.ring.keys()],
      fresh.keys.map(({ kid }) => kid),
    )
  })

  it('come from the JWKS of another server', async () => {
    const ring = await createKeyRing(await generateKeySet())
    let jwks = publicJwks(ring)
    const server = createServer((_request, response) => response.end(JSON.stringify(jwks))).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    assert.ok(typeof address === 'object' && address !== null)
    try {
      const keys = followRemoteKeys({ url: `http://127.0.0.1:${address.port}/` })
      await keys.refresh()
      const verifier = createVerifier(keys.ring)
      const url = await createSigner(ring, 'Ed25519').delivery('', grant)
      await verifier.delivery(url)
      jwks = { keys: [] }
      await keys.refresh()
      await assert.rejects(verifier.delivery(url), isInvalid)
    } finally {
      server.close()
      server.closeAllConnections()
    }
  })
})
