import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, it } from 'node:test'
import { createKeyRing, createSigner, createVerifier, generateKeySet, SignatureError } from './index.ts'

describe('an HMAC that the runtime lends', () => {
  const grant = {
    key: 'originals/one',
    type: 'image/jpeg',
    disposition: 'inline',
    filename: 'a.jpg',
    expires: 2e9,
  } as const
  const hmacSha256 = (secret: Uint8Array) => (data: Uint8Array) => createHmac('sha256', secret).update(data).digest()
  const pathOf = (url: string) => url.slice('https://edge.example'.length)

  it('signs and verifies what WebCrypto does, either way', async () => {
    const keys = await generateKeySet()
    const rings = [await createKeyRing(keys), await createKeyRing(keys, { hmacSha256 })] as const
    const urls = await Promise.all(rings.map((ring) => createSigner(ring).delivery('https://edge.example', grant)))
    assert.equal(urls[0], urls[1])
    for (const ring of rings) {
      for (const url of urls) assert.deepEqual(await createVerifier(ring).delivery(pathOf(url)), grant)
    }
  })

  it('accepts no other signature: every character changed, one more, one less', async () => {
    const ring = await createKeyRing(await generateKeySet(), { hmacSha256 })
    const path = pathOf(await createSigner(ring).delivery('https://edge.example', grant))
    const verifier = createVerifier(ring)
    const start = path.lastIndexOf('=') + 1
    for (let index = start; index < path.length; index += 1) {
      const other = path[index] === 'A' ? 'B' : 'A'
      const changed = path.slice(0, index) + other + path.slice(index + 1)
      await assert.rejects(verifier.delivery(changed), SignatureError)
    }
    await assert.rejects(verifier.delivery(path.slice(0, -1)), SignatureError)
    await assert.rejects(verifier.delivery(`${path}A`), SignatureError)
    await assert.rejects(verifier.delivery(path.slice(0, start)), SignatureError)
  })
})
