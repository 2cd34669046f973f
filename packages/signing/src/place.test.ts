import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  createKeyRing,
  createSigner,
  createVerifier,
  generateKeySet,
  type Place,
  placeOf,
  SignatureError,
  type Visitor,
} from './index.ts'

const now = () => 1_800_000_000
const grant = {
  key: 'originals/0f3c',
  type: 'image/jpeg',
  disposition: 'inline',
  filename: null,
  expires: now() + 600,
} as const

async function setUp() {
  const ring = await createKeyRing(await generateKeySet())
  const signer = createSigner(ring)
  const verifier = createVerifier(ring, { now })
  const urlFor = (place: Place) => signer.delivery('', { ...grant, place })
  return { signer, verifier, urlFor }
}

const isElsewhere = (error: unknown) => error instanceof SignatureError && error.reason === 'elsewhere'

describe('a grant bound to networks', () => {
  const home = placeOf({ addresses: ['203.0.113.9', '2001:db8:1:2::1'] })
  const cases: [string, Visitor, boolean][] = [
    ['the same IPv4 address', { address: '203.0.113.9' }, true],
    ['another of its /24', { address: '203.0.113.255' }, true],
    ['the IPv4 address as a socket for both families says it', { address: '::ffff:203.0.113.7' }, true],
    ['the same in hexadecimal', { address: '::FFFF:cb00:7107' }, true],
    ['the next /24', { address: '203.0.114.9' }, false],
    ['another of its /64', { address: '2001:DB8:1:2:ffff:ffff:ffff:ffff' }, true],
    ['the same, spelled out', { address: '2001:0db8:0001:0002:0000:0000:0000:0001' }, true],
    ['a zone', { address: '2001:db8:1:2::1%eth0' }, true],
    ['the next /64', { address: '2001:db8:1:3::1' }, false],
    ['the same digits in other places', { address: '2001:db8::1:2:0:0' }, false],
    ['no address', {}, false],
    ['an empty address', { address: '' }, false],
    ['octal', { address: '0313.0.0161.011' }, false],
    ['octets too large', { address: '203.0.113.256' }, false],
    ['two addresses', { address: '203.0.113.9, 198.51.100.1' }, false],
    ['too many groups', { address: '2001:db8:1:2:0:0:0:0:1' }, false],
    ['two gaps', { address: '2001:db8:1:2::0::1' }, false],
    ['a gap of nothing', { address: '2001:db8:1:2:0:0:0:0::' }, false],
  ]
  for (const [name, visitor, isWelcome] of cases) {
    it(`${isWelcome ? 'takes' : 'refuses'} ${name}`, async () => {
      const { verifier, urlFor } = await setUp()
      const url = await urlFor(home)
      if (isWelcome) assert.deepEqual(await verifier.delivery(url, visitor), { ...grant, place: home })
      else await assert.rejects(verifier.delivery(url, visitor), isElsewhere)
    })
  }

  it('refuses the family it does not name', async () => {
    const { verifier, urlFor } = await setUp()
    const url = await urlFor(placeOf({ addresses: ['203.0.113.9'] }))
    await verifier.delivery(url, { address: '203.0.113.1' })
    await assert.rejects(verifier.delivery(url, { address: '2001:db8:1:2::1' }), isElsewhere)
  })

  it('is looked at for everyone, also once the signature is known to be right', async () => {
    const { verifier, urlFor } = await setUp()
    const url = await urlFor(home)
    for (const round of [1, 2]) {
      await verifier.delivery(url, { address: '203.0.113.9' })
      await assert.rejects(verifier.delivery(url, { address: '198.51.100.9' }), isElsewhere, `round ${round}`)
      await assert.rejects(verifier.delivery(url), isElsewhere, `round ${round}`)
    }
  })

  it('cannot be loosened by who holds it', async () => {
    const { verifier, urlFor } = await setUp()
    const url = await urlFor(home)
    const stranger = { address: '198.51.100.9' }
    for (const edited of [
      url.replace('&ip4=203.0.113', ''),
      url.replace('ip4=203.0.113', 'ip4=198.51.100'),
      url.replace('ip4=203.0.113', 'ip4=203.0.113&ip4=198.51.100'),
      url.replace('ip4=', 'country=KR&ip4='),
    ]) {
      assert.notEqual(edited, url)
      await assert.rejects(
        verifier.delivery(edited, stranger),
        (error) => error instanceof SignatureError && error.reason === 'invalid',
      )
    }
  })

  it('takes every address of its networks and no other', async () => {
    const { verifier, urlFor } = await setUp()
    await fc.assert(
      fc.asyncProperty(fc.ipV4(), fc.ipV4(), fc.ipV6(), fc.ipV6(), async (v4, other4, v6, other6) => {
        const url = await urlFor(placeOf({ addresses: [v4, v6] }))
        await verifier.delivery(url, { address: v4 })
        await verifier.delivery(url, { address: v6 })
        for (const other of [other4, other6]) {
          const { ipv4, ipv6 } = placeOf({ addresses: [other] })
          const own = placeOf({ addresses: [v4, v6] })
          if (ipv4 === own.ipv4 || ipv6 === own.ipv6) await verifier.delivery(url, { address: other })
          else await assert.rejects(verifier.delivery(url, { address: other }), isElsewhere)
        }
      }),
      { numRuns: 200 },
    )
  })
})

describe('a grant bound to a country', () => {
  it('takes only who is known to be there', async () => {
    const { verifier, urlFor } = await setUp()
    const url = await urlFor(placeOf({ country: 'kr' }))
    await verifier.delivery(url, { country: 'KR' })
    await verifier.delivery(url, { country: 'kr', address: '203.0.113.9' })
    for (const country of ['JP', 'XX', 'T1', '', undefined]) {
      await assert.rejects(verifier.delivery(url, { country }), isElsewhere)
    }
  })

  it('asks for both, when it is bound to networks too', async () => {
    const { verifier, urlFor } = await setUp()
    const url = await urlFor(placeOf({ addresses: ['203.0.113.9'], country: 'KR' }))
    await verifier.delivery(url, { address: '203.0.113.9', country: 'KR' })
    await assert.rejects(verifier.delivery(url, { address: '203.0.113.9' }), isElsewhere)
    await assert.rejects(verifier.delivery(url, { country: 'KR' }), isElsewhere)
  })
})

describe('a place', () => {
  it('that is none is not signed, for its grant would be open to everyone', async () => {
    const { urlFor } = await setUp()
    assert.throws(() => placeOf({}), TypeError)
    assert.throws(() => placeOf({ addresses: ['localhost'] }), TypeError)
    for (const country of ['XX', 'ZZ', 'T1', 'KOR', '']) assert.throws(() => placeOf({ country }), TypeError)
    for (const place of [
      { ipv4: null, ipv6: null, country: null },
      { ipv4: '203.0.113.0', ipv6: null, country: null },
      { ipv4: '203.0.0113', ipv6: null, country: null },
      { ipv4: null, ipv6: '2001:db8:1:2', country: null },
      { ipv4: null, ipv6: null, country: 'kr' },
    ]) {
      await assert.rejects(urlFor(place), TypeError)
    }
  })
})
