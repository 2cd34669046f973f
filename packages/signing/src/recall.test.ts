import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import {
  createKeyRing,
  createSigner,
  createVerifier,
  generateKeySet,
  placeOf,
  type Signer,
  type Verifier,
} from './index.ts'

describe('a recalled verdict', () => {
  const grant = {
    key: 'renditions/0f3c/thumb.webp',
    type: 'image/webp',
    disposition: 'inline',
    filename: null,
  } as const
  let time = 1_800_000_000
  const keys = new Map()
  let signer: Signer
  let verifier: Verifier

  beforeEach(async () => {
    time = 1_800_000_000
    keys.clear()
    for (const [kid, key] of await createKeyRing(await generateKeySet())) keys.set(kid, key)
    signer = createSigner(keys)
    verifier = createVerifier(keys, { now: () => time })
  })

  it('is that of a URL that was verified, and of no other', async () => {
    const url = await signer.delivery('', { ...grant, expires: time + 60 })
    assert.equal(verifier.recall(url), null)
    const verified = await verifier.delivery(url)
    assert.deepEqual(verifier.recall(url), verified)
    assert.equal(verifier.recall(`${url}A`), null)
    assert.equal(verifier.recall('/m/renditions/0f3c/thumb.webp'), null)
  })

  it('is over with the grant', async () => {
    const url = await signer.delivery('', { ...grant, expires: time + 60 })
    await verifier.delivery(url)
    time += 59
    assert.notEqual(verifier.recall(url), null)
    time += 1
    assert.equal(verifier.recall(url), null)
  })

  it('is over with the key', async () => {
    const url = await signer.delivery('', { ...grant, expires: time + 60 })
    await verifier.delivery(url)
    keys.clear()
    assert.equal(verifier.recall(url), null)
  })

  it('is never one about a place: who asks has to be looked at', async () => {
    const url = await signer.delivery('', {
      ...grant,
      expires: time + 60,
      place: placeOf({ addresses: ['203.0.113.9'] }),
    })
    await verifier.delivery(url, { address: '203.0.113.9' })
    assert.equal(verifier.recall(url), null)
  })
})
